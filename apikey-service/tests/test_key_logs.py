"""The service as a process, with the logs it writes in production: no key is ever in them."""

import json
import os
import resource
import signal
import sys
from typing import Any

import psycopg
import pytest

from apikey_service.settings import Settings
from chassis.errors import AppError, Kind, RemoteError
from chassis.testing import DatabaseUrls, OpenChannel, Signer, eventually
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from parley.apikey.v1 import apikey_pb2
from parley.apikey.v1.apikey_pb2_grpc import ApiKeyServiceStub

# Without any of the shapes that redaction would recognise.
PLAIN = "0123456789abcdefghijklmnopqrstuvwxyz"
IN_HEADER = "zyxwvutsrqponmlkjihgfedcba9876543210"


async def test_neither_good_nor_bad_days_put_a_key_into_log_or_error(
    settings: Settings,
    grpc_channel: OpenChannel,
    signer: Signer,
    database: DatabaseUrls,
    start_process: StartProcess,
) -> None:
    process = await start_process(
        *(sys.executable, "-m", "apikey_service"),
        env={**os.environ, **variables_of(settings), "APIKEY_LOG_LEVEL": "debug"},
    )
    gateway = await grpc_channel(settings.grpc_port, "apikey-service", as_name="gateway")
    chat = await grpc_channel(settings.grpc_port, "apikey-service", as_name="chat-service")
    create, resolve = (
        gateway.stub(ApiKeyServiceStub).CreateKey,
        chat.stub(ApiKeyServiceStub).ResolveKey,
    )
    token = signer.token()
    header = apikey_pb2.Header(name="api-key", value=IN_HEADER)
    new = apikey_pb2.CreateKeyRequest(
        name="work",
        api_key=PLAIN,
        model="gpt-5",
        base_url="https://example.com",
        headers=apikey_pb2.Headers(items=[header]),
    )

    async def created() -> bool:
        await gateway.unary(create, new, timeout=30, token=token)
        return True

    async def refused(request: apikey_pb2.CreateKeyRequest) -> str:
        with pytest.raises(RemoteError) as refusal:
            await gateway.unary(create, request, timeout=30, token=token)
        return refusal.value.reason

    await eventually(created, timeout=30, ignoring=(RemoteError,))
    # Nor does it leave them in a core, however it is killed.
    assert resource.prlimit(process.pid, resource.RLIMIT_CORE) == (0, 0)
    resolved = await chat.unary(resolve, apikey_pb2.ResolveKeyRequest(), timeout=30, token=token)
    assert resolved.api_key == PLAIN
    assert list(resolved.headers) == [header]
    assert await refused(new) == "KEY_NAME_TAKEN"
    new.api_key = f"{PLAIN}\x00"
    assert await refused(new) == "VALIDATION"
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("UPDATE keys SET ciphertext = decode('00', 'hex') || ciphertext")
    with pytest.raises(AppError) as broken:
        await chat.unary(resolve, apikey_pb2.ResolveKeyRequest(), timeout=30, token=token)
    assert (broken.value.kind, broken.value.reason) == (Kind.CONFLICT, "KEY_UNREADABLE")
    # An insert that fails in the database, with the key already in hand.
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE keys ADD CHECK (name <> 'refused')")
    with pytest.raises(AppError) as failed:
        await gateway.unary(
            create,
            apikey_pb2.CreateKeyRequest(
                name="refused",
                api_key=PLAIN,
                model="gpt-5",
                base_url="https://example.com",
                headers=new.headers,
            ),
            timeout=30,
            token=token,
        )
    assert (failed.value.kind, failed.value.reason) == (Kind.INTERNAL, "INTERNAL")
    process.send_signal(signal.SIGTERM)
    logs, errors = await process.communicate()

    assert process.returncode == 0
    events = [json.loads(line) for line in logs.decode().splitlines()]
    failures = [event["exception"] for event in events if event["event"] == "grpc.unhandled"]
    assert len(failures) == 1
    assert "CheckViolation" in failures[0]
    (alarm,) = (event for event in events if event["event"] == "vault.key_unreadable")
    assert (alarm["level"], alarm["cause"]) == ("critical", "not_sealed_here")
    assert alarm["key_id"] == resolved.id
    assert "VAULT_OLD_KEYS" not in alarm["advice"]
    for secret in (PLAIN, IN_HEADER):
        assert secret not in logs.decode() + errors.decode()
        assert secret[:12] not in logs.decode() + errors.decode()


@pytest.mark.parametrize(
    ("method", "use_case"),
    [
        ("CreateKey", "apikey_service.usecases.create.CreateKey.__call__"),
        ("UpdateKey", "apikey_service.usecases.update.UpdateKey.__call__"),
        ("CheckKey", "apikey_service.usecases.create.CreateKey.check"),
    ],
)
async def test_an_error_with_all_of_the_request_in_it_shows_no_secret_of_it(
    ada: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    use_case: str,
) -> None:
    # What was hidden before stays hidden: each method has secrets of its own.
    secrets = [f"{method}{PLAIN}", f"{method}{IN_HEADER}"]
    header = apikey_pb2.Header(name="api-key", value=secrets[1])
    fields: dict[str, Any] = {"api_key": secrets[0], "headers": apikey_pb2.Headers(items=[header])}

    def fail(*args: object, **options: object) -> None:
        raise RuntimeError(f"of no use: {secrets}")

    monkeypatch.setattr(use_case, fail)
    if method == "CheckKey":
        call = ada.chats(method, key=apikey_pb2.CreateKeyRequest(name="n", **fields))
    else:
        call = ada.tell(method, **fields)
    with pytest.raises(AppError) as failed:
        await call
    assert failed.value.kind is Kind.INTERNAL
    lines = [line for line in capsys.readouterr().out.splitlines() if "grpc.unhandled" in line]
    assert len(lines) == 1
    assert "of no use" in lines[0]
    assert not any(secret in lines[0] for secret in secrets)
