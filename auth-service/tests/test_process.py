"""The service as a process: how it starts, how it refuses to, how it ends."""

import asyncio
import json
import signal
import sys
import time
from contextlib import aclosing, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from auth_service.settings import Settings
from chassis.embedded.ports import free_port
from chassis.errors import RemoteError
from chassis.testing import OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub


def _environment(settings: Settings, **changes: str) -> dict[str, str]:
    given = {
        f"AUTH_{name}".upper(): value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        for name, value in settings
    }
    return {**given, **changes}


async def _start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "auth_service",
        "serve",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_it_serves_and_at_sigterm_is_gone_in_three_seconds_though_it_is_watched(
    settings: Settings, grpc_channel: OpenChannel
) -> None:
    port = free_port()
    process = await _start(_environment(settings, AUTH_GRPC_PORT=str(port)))
    channel = await grpc_channel(port, "auth-service")
    stub = channel.stub(AuthServiceStub)

    async def registered() -> auth_pb2.Grant:
        request = auth_pb2.RegisterRequest(
            username="ada", email="ada@example.org", password="correct horse"
        )
        return (await channel.unary(stub.Register, request, timeout=5)).grant

    grant = await eventually(registered, 20, ignoring=(RemoteError,))
    async with aclosing(
        channel.stream(stub.WatchRevocations, auth_pb2.WatchRevocationsRequest())
    ) as messages:
        assert (await anext(messages)).snapshot
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, errors = await asyncio.wait_for(process.communicate(), 10)
        took = time.monotonic() - began
        with suppress(RemoteError):
            assert [message async for message in messages] == []

    assert (process.returncode, errors) == (0, b"")
    assert took < 3
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["service"] for line in lines} == {"auth-service"}
    [event] = [line for line in lines if line["event"] == "user.registered"]
    assert event["user_id"] == grant.user.id
    assert not any(
        secret in output.decode()
        for secret in ("correct horse", grant.access_token, grant.refresh_token, "ada@example.org")
    )


async def _outcome(environment: dict[str, str]) -> tuple[int | None, str]:
    process = await _start(environment)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, errors.decode()


@pytest.fixture
def bad_keys(tmp_path: Path) -> dict[str, Path]:
    keys = {"absent": tmp_path / "absent", "default": tmp_path / "default"}
    keys["default"].write_text("changeme")
    return keys


async def test_without_a_good_signing_key_it_refuses_to_start_and_says_why(
    settings: Settings, bad_keys: dict[str, Path]
) -> None:
    good = _environment(settings)
    missing = {name: value for name, value in good.items() if name != "AUTH_SIGNING_KEY_FILE"}

    status, said = await _outcome(missing)
    assert (status, said) == (2, "settings: AUTH_SIGNING_KEY_FILE: Field required\n")

    for name, problem in (("absent", "No such file"), ("default", "not an unencrypted PEM")):
        status, said = await _outcome({**good, "AUTH_SIGNING_KEY_FILE": str(bad_keys[name])})
        assert status == 2
        assert said.startswith("settings: AUTH_SIGNING_KEY_FILE: ")
        assert problem in said
        assert "changeme" not in said
        assert len(said.splitlines()) == 1
