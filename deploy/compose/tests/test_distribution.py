"""What the job `secrets` leaves behind, read by the servers that it is meant for."""

import asyncio
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chassis.embedded import free_port
from chassis.embedded.binaries import nats_server, valkey_server
from chassis.testing.eventually import eventually
from parley_compose.distribution import distribute
from parley_compose.layout import DATABASES, SERVICES, Uids


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    distribute(tmp_path, mine(tmp_path))
    return tmp_path


def mine(folder: Path) -> Uids:
    """No test may need root: everybody is the user who runs it."""
    uid = folder.stat().st_uid
    return Uids(postgres=uid, redis=uid, parley=uid)


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_second_start_changes_nothing(volumes: Path) -> None:
    before = contents(volumes)
    distribute(volumes, mine(volumes))
    assert contents(volumes) == before


def test_what_a_killed_start_left_half_done_is_completed(volumes: Path) -> None:
    before = contents(volumes)
    (volumes / "auth-service" / "database_url").unlink()
    (volumes / "auth-service" / ".database_url.new").write_text("postgres")
    (volumes / "redis" / "redis.conf").unlink()
    distribute(volumes, mine(volumes))
    assert contents(volumes) == before


def test_every_file_is_for_its_owner_alone(volumes: Path) -> None:
    for folder in volumes.iterdir():
        if folder.name in ("nats-data", "chat-files"):
            continue
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for file in folder.iterdir():
            if file.is_file():
                assert stat.S_IMODE(file.stat().st_mode) == 0o400


def test_no_service_gets_what_another_one_is_for(volumes: Path) -> None:
    given = {service: contents(volumes / service) for service in SERVICES}
    assert set(given["gateway"]) == {"ca.pem", "certificate.pem", "key.pem"}
    receivers = {
        "vault.key": "apikey-service",
        "redis_url": "chat-service",
    }
    for name, receiver in receivers.items():
        assert [service for service in SERVICES if name in given[service]] == [receiver]
    private = [files["key.pem"] for files in given.values()]
    private += [files["nats_url"] for files in given.values() if "nats_url" in files]
    private += [files["database_url"] for files in given.values() if "database_url" in files]
    assert len(set(private)) == len(private)
    for service, files in given.items():
        assert not any("owner" in text for text in files.values()), service


def test_the_password_that_all_services_had_on_nats_is_handed_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "nats.password").write_text("of-everybody")
    (tmp_path / "notes-service").mkdir()
    (tmp_path / "notes-service" / "nats_url").write_text("nats://parley:of-everybody@nats:4222")
    distribute(tmp_path, mine(tmp_path))
    given = {name: text for name, text in contents(tmp_path).items() if "kept/" not in name}
    assert not [name for name, text in given.items() if "of-everybody" in text]
    assert given["notes-service/nats_url"].startswith("nats://notes-service:")


def test_a_password_whose_original_is_removed_is_made_anew_for_both_sides(volumes: Path) -> None:
    before = contents(volumes)
    (volumes / "kept" / "nats_notes-service.password").unlink()
    distribute(volumes, mine(volumes))
    after = contents(volumes)
    assert {name for name in after if after[name] != before[name]} == {
        "kept/nats_notes-service.password",
        "nats/nats.conf",
        "notes-service/nats_url",
    }
    assert after["kept/nats_notes-service.password"] in after["nats/nats.conf"]
    assert f":{after['kept/nats_notes-service.password']}@" in after["notes-service/nats_url"]


def test_everybody_is_told_the_same_passwords(volumes: Path) -> None:
    databases = contents(volumes / "databases")
    assert f":{(volumes / 'postgres' / 'password').read_text()}@" in databases["admin_url"]
    for database, service in DATABASES.items():
        for name in ("database_url", "worker_database_url"):
            assert (volumes / service / name).read_text() == databases[f"{database}_{name}"]


def test_the_signing_key_is_an_ed25519_key(volumes: Path) -> None:
    pem = (volumes / "auth-keys" / "first.pem").read_bytes()
    assert isinstance(load_pem_private_key(pem, None), Ed25519PrivateKey)


def test_a_signing_key_that_was_rotated_away_does_not_come_back(volumes: Path) -> None:
    (volumes / "auth-keys" / "first.pem").replace(volumes / "auth-keys" / "second.pem")
    before = contents(volumes)
    distribute(volumes, mine(volumes))
    assert contents(volumes) == before


def test_nats_accepts_its_configuration(volumes: Path) -> None:
    command = [str(nats_server()), "-t", "-c", str(volumes / "nats" / "nats.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_redis_accepts_its_configuration_and_asks_for_the_password(
    volumes: Path, tmp_path: Path
) -> None:
    port = free_port()
    configuration = (volumes / "redis" / "redis.conf").read_text()
    here = tmp_path / "redis.conf"
    here.write_text(configuration.replace("dir /data", f"dir {tmp_path}"))
    options = ("--port", str(port), "--bind", "127.0.0.1")
    server = await asyncio.create_subprocess_exec(valkey_server(), here, *options)
    try:
        await eventually(lambda: ask(port, "PING"), ignoring=(OSError,))
        assert ask(port, "PING") == "-NOAUTH Authentication required.\r\n"
        password = (volumes / "redis" / "password").read_text()
        assert ask(port, f"AUTH {password}\r\nCONFIG GET appendfsync").endswith("always\r\n")
    finally:
        server.terminate()
        await server.wait()


def ask(port: int, command: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(f"{command}\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b"")).decode()
