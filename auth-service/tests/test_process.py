"""The service as a process: how it starts, how it refuses to, how it ends."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from auth_service.__main__ import main
from auth_service.settings import Settings
from chassis.embedded.ports import free_port
from chassis.errors import RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from chassis.testing.operations import get_json
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]


def _environment(settings: Settings, **changes: str) -> dict[str, str]:
    return {**variables_of(settings), **changes}


async def test_it_serves_and_at_sigterm_is_gone_in_three_seconds_though_it_is_watched(
    settings: Settings, grpc_channel: OpenChannel, start_process: StartProcess
) -> None:
    port = free_port()
    process = await start_process(
        *(sys.executable, "-m", "auth_service", "serve"),
        env=_environment(settings, AUTH_GRPC_PORT=str(port)),
    )
    channel = await grpc_channel(port, "auth-service")
    stub = channel.stub(AuthServiceStub)

    async def registered() -> auth_pb2.Grant:
        request = auth_pb2.RegisterRequest(
            username="ada", email="ada@example.org", password="correct horse"
        )
        return (await channel.unary(stub.Register, request, timeout=30)).grant

    grant = await eventually(registered, 20, ignoring=(RemoteError,))
    async with aclosing(
        channel.stream(stub.WatchRevocations, auth_pb2.WatchRevocationsRequest())
    ) as messages:
        assert (await anext(messages)).snapshot
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, errors = await asyncio.wait_for(process.communicate(), 30)
        took = time.monotonic() - began
        stray: list[auth_pb2.WatchRevocationsResponse] = []
        with suppress(RemoteError):
            async for message in messages:
                stray.append(message)  # noqa: PERF401 - one that an error follows counts as well

    assert stray == []
    assert (process.returncode, errors) == (0, b"")
    assert took < 15
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["service"] for line in lines} == {"auth-service"}
    [event] = [line for line in lines if line["event"] == "user.registered"]
    assert event["user_id"] == grant.user.id
    assert not any(
        secret in output.decode()
        for secret in ("correct horse", grant.access_token, grant.refresh_token, "ada@example.org")
    )


def _refusal(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What ``serve`` says before it ends with 2."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["auth-service", "serve"])
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_without_a_good_signing_key_it_refuses_to_start_and_says_why(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = _environment(settings)
    missing = {name: value for name, value in good.items() if name != "AUTH_SIGNING_KEY_FILE"}
    names = "settings: AUTH_SIGNING_KEYS_DIR or AUTH_SIGNING_KEY_FILE: "
    (tmp_path / "default").write_text("changeme")
    (tmp_path / "empty").mkdir()
    (tmp_path / "poor").mkdir()
    (tmp_path / "poor" / "one.pem").write_text("changeme")
    for changes, problem in (
        ({}, "one of the two has to be set"),
        ({"FILE": tmp_path / "default", "S_DIR": tmp_path}, "and not both"),
        ({"FILE": tmp_path / "absent"}, "No such file"),
        ({"FILE": tmp_path / "default"}, "not an unencrypted PEM"),
        ({"S_DIR": tmp_path / "empty"}, "no key"),
        ({"S_DIR": tmp_path / "poor"}, "not an unencrypted PEM"),
    ):
        bad = {
            f"AUTH_SIGNING_KEY{'_' if name == 'FILE' else ''}{name}": str(path)
            for name, path in changes.items()
        }
        said = _refusal({**missing, **bad}, monkeypatch, capsys)
        assert said.startswith(names)
        assert problem in said
        assert "changeme" not in said
        assert len(said.splitlines()) == 1


async def _readiness(service: Service) -> tuple[int, dict[str, Any]]:
    return await asyncio.to_thread(get_json, service.metrics_port, "/readyz")


async def test_it_is_ready_with_all_it_needs_degraded_without_nats_and_down_without_its_database(
    serve: Serve,
) -> None:
    whole, _ = await serve()

    async def all_is_well() -> bool:
        return await _readiness(whole) == (
            200,
            {
                "status": "ok",
                "checks": {"database": "ok", "schema": "ok", "token-keys": "ok", "nats": "ok"},
            },
        )

    await eventually(all_is_well)

    nowhere = free_port()
    without_nats, _ = await serve(nats_url=SecretStr(f"nats://127.0.0.1:{nowhere}"))
    status, said = await _readiness(without_nats)
    assert (status, said["status"], said["checks"]["nats"]) == (200, "degraded", "away")

    away = SecretStr(f"postgresql://nobody:secret@127.0.0.1:{nowhere}/nothing")
    without_database, _ = await serve(database_url=away, worker_database_url=away)
    status, said = await _readiness(without_database)
    assert (status, said["status"]) == (503, "down")
    assert all(said["checks"][name] == "away" for name in ("database", "schema", "token-keys"))


async def _command(settings: Settings, *words: str) -> tuple[int, str]:
    # Not through the event loop: it would fork, which gRPC's threads in here do not survive.
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "auth_service", *words],
        env=_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.slow
async def test_the_first_operator_is_made_by_command(
    auth: Channel, settings: Settings, register: Register, database: DatabaseUrls
) -> None:
    ada = await register("ada")
    stub = auth.stub(AuthServiceStub)

    # However the name is written; and again changes nothing.
    for name in ("ADA", "ada"):
        assert await _command(settings, "make-operator", name) == (0, "")

    refresh = auth_pb2.RefreshRequest(refresh_token=ada.refresh_token)
    grant = (await auth.unary(stub.Refresh, refresh, timeout=30)).grant
    assert grant.user.role == auth_pb2.ROLE_OPERATOR
    request = auth_pb2.ListAuditRequest(event="user.role_changed")
    told = await auth.unary(stub.ListAudit, request, timeout=30, token=grant.access_token)
    [entry] = told.items
    assert (entry.subject_id, entry.HasField("actor_id")) == (ada.user.id, False)
    assert dict(entry.fields) == {"before": "user", "after": "operator"}

    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE users SET status = 'disabled'")
    for name in ("ada", "nobody", ""):
        status, said = await _command(settings, "make-operator", name)
        assert (status, said) == (1, "make-operator: there is no active user of that name\n")
