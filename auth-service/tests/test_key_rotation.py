"""Signing keys: in which order they verify, sign and go, and who hears of it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auth_service.credentials.keyring import ACTIVATION_SECONDS, KeyRing, rotate
from auth_service.credentials.signing import SigningKey, UnusableSigningKey
from auth_service.settings import Settings
from auth_service.wiring import build
from chassis.embedded.ports import free_port
from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Serve = Callable[..., Awaitable[tuple[Service, int]]]


def add(directory: Path, name: str) -> str:
    """Put a new key there; its name among verifiers."""
    key = Ed25519PrivateKey.generate()
    draft = directory / f".{name}"
    draft.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    draft.replace(directory / name)
    return SigningKey(key).verification.kid


def kids(ring: KeyRing) -> set[str]:
    return {key.kid for key in ring.verification}


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def test_the_only_key_signs_at_once_and_a_new_one_when_everybody_knows_it(tmp_path: Path) -> None:
    clock = Clock()
    first = add(tmp_path, "b.pem")
    ring = KeyRing(tmp_path, clock=clock)
    assert ring.signing.verification.kid == first

    clock.ahead = 2 * ACTIVATION_SECONDS
    assert not ring.read()
    second = add(tmp_path, "a.pem")
    clock.ahead = ACTIVATION_SECONDS - 5
    assert ring.read()
    assert kids(ring) == {first, second}
    assert ring.signing.verification.kid == first

    clock.ahead = ACTIVATION_SECONDS + 1
    assert not ring.read()
    assert ring.signing.verification.kid == second


def test_a_file_that_is_moved_in_is_new_however_old_it_is(tmp_path: Path) -> None:
    clock = Clock()
    first = add(tmp_path, "a.pem")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    add(elsewhere, "b.pem")
    os.utime(elsewhere / "b.pem", (1, 1))
    (elsewhere / "b.pem").replace(tmp_path / "b.pem")

    assert KeyRing(tmp_path, clock=clock).signing.verification.kid == first


def test_where_all_files_are_written_anew_the_key_that_signed_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    known = add(tmp_path, "b.pem")
    ring = KeyRing(tmp_path, clock=clock)
    # As a mounted secret is changed: no file is an old one any more, and the new key is first.
    content = (tmp_path / "b.pem").read_bytes()
    (tmp_path / "b.pem").unlink()
    new = add(tmp_path, "a.pem")
    (tmp_path / "b.pem").write_bytes(content)
    assert ring.read()
    assert kids(ring) == {known, new}
    assert ring.signing.verification.kid == known

    # Not when it is gone.
    (tmp_path / "b.pem").unlink()
    assert ring.read()
    assert ring.signing.verification.kid == new


def test_what_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    first = add(tmp_path, "a.pem")
    (tmp_path / "README").write_text("not a key")
    ring = KeyRing(tmp_path)
    half = tmp_path / "b.pem"
    half.write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(UnusableSigningKey):
        ring.read()
    assert kids(ring) == {first}
    half.unlink()
    (tmp_path / "a.pem").unlink()
    with pytest.raises(UnusableSigningKey, match="no key"):
        ring.read()
    assert ring.signing.verification.kid == first


def test_a_rotation_adds_a_key_and_takes_away_what_is_spent(tmp_path: Path) -> None:
    clock = Clock()
    add(tmp_path, "a.pem")
    first = rotate(tmp_path, clock=clock)
    assert first.removed == []
    [added] = [path for path in tmp_path.iterdir() if path.name != "a.pem"]
    assert added.stat().st_mode & 0o777 == 0o400
    assert SigningKey.load(added).verification.kid == first.kid

    # As long as a token that the old key signed last may be good, it stays.
    clock.ahead = ACTIVATION_SECONDS + 15 * 60
    assert rotate(tmp_path, clock=clock).removed == []
    clock.ahead += 70
    last = rotate(tmp_path, clock=clock)
    assert last.removed[:2] == ["a.pem", added.name]
    assert last.kid in kids(KeyRing(tmp_path))
    with pytest.raises(UnusableSigningKey):
        rotate(tmp_path / "a.pem")


async def _granted(auth: Channel, name: str) -> auth_pb2.Grant:
    request = auth_pb2.RegisterRequest(
        username=name, email=f"{name}@example.org", password="correct horse"
    )
    return (await auth.unary(auth.stub(AuthServiceStub).Register, request, timeout=30)).grant


def _kid(grant: auth_pb2.Grant) -> str:
    return str(jwt.get_unverified_header(grant.access_token)["kid"])


async def _stands(auth: Channel, grant: auth_pb2.Grant) -> bool:
    stub = auth.stub(AuthServiceStub)
    try:
        await auth.unary(stub.GetMe, auth_pb2.GetMeRequest(), timeout=30, token=grant.access_token)
    except RemoteError as error:
        if error.kind is not Kind.UNAUTHENTICATED:
            raise
        return False
    return True


async def _next_keys(
    messages: AsyncGenerator[auth_pb2.WatchRevocationsResponse, None],
) -> set[str]:
    async with asyncio.timeout(30):
        async for message in messages:
            if message.keys:
                return {key.kid for key in message.keys}
    raise AssertionError("the stream has ended")


async def test_over_a_rotation_every_token_is_good_on_every_replica_and_the_watch_is_told_first(
    settings: Settings,
    grpc_channel: OpenChannel,
    tmp_path: Path,
) -> None:
    first = add(tmp_path, "a.pem")
    replicas, channels = [], []
    for _ in range(2):
        port = free_port()
        own = {"signing_keys_dir": tmp_path, "signing_key_file": None, "grpc_port": port}
        replicas.append(
            build(settings.model_copy(update=own), read_keys_seconds=0.05, activation_seconds=1.0)
        )
        await replicas[-1].start()
        channels.append(await grpc_channel(port, "auth-service", as_name="gateway"))
    here, there = channels
    old = await _granted(here, "ada")
    assert _kid(old) == first

    async with aclosing(
        there.stream(
            there.stub(AuthServiceStub).WatchRevocations, auth_pb2.WatchRevocationsRequest()
        )
    ) as messages:
        assert await _next_keys(messages) == {first}
        second = rotate(tmp_path).kid
        assert await _next_keys(messages) == {first, second}
        began = await _granted(here, "eve")
        assert _kid(began) == first

        async def signs() -> auth_pb2.Grant | None:
            request = auth_pb2.LogInRequest(username="ada", password="correct horse")
            stub = here.stub(AuthServiceStub)
            grant = (await here.unary(stub.LogIn, request, timeout=30)).grant
            return grant if _kid(grant) == second else None

        new = await eventually(signs)
        assert new is not None
        for channel in channels:
            for grant in (old, began, new):
                assert await _stands(channel, grant)

        # In an emergency the file is simply taken away.
        (tmp_path / "a.pem").unlink()
        assert await _next_keys(messages) == {second}
        for channel in channels:

            async def refused(channel: Channel = channel) -> bool:
                return not await _stands(channel, old)

            await eventually(refused, 5)
            assert await _stands(channel, new)
    for replica in replicas:
        await replica.stop()


def test_the_command_says_what_it_did_and_needs_a_directory(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add(tmp_path, "a.pem")
    monkeypatch.setattr(sys, "argv", ["auth-service", "rotate-key"])
    for name, value in {
        "AUTH_TLS_CA_FILE": settings.tls_ca_file,
        "AUTH_TLS_CERT_FILE": settings.tls_cert_file,
        "AUTH_TLS_KEY_FILE": settings.tls_key_file,
        "AUTH_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/none",
        "AUTH_WORKER_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/none",
        "AUTH_NATS_URL": "nats://secret@127.0.0.1:1",
        "AUTH_SIGNING_KEYS_DIR": tmp_path,
    }.items():
        monkeypatch.setenv(name, str(value))
    from auth_service.__main__ import main

    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    said = capsys.readouterr().out
    [added] = [path for path in tmp_path.iterdir() if path.name != "a.pem"]
    assert SigningKey.load(added).verification.kid in said
    assert "PRIVATE" not in said
    monkeypatch.setenv("AUTH_SIGNING_KEYS_DIR", str(tmp_path / "a.pem"))
    with pytest.raises(SystemExit) as refused:
        main()
    assert refused.value.code == 2
