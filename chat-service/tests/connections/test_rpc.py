"""Trying connections over the wire: what is refused, and what no log and no answer shows."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from chassis.caller import Caller
from chassis.errors import RemoteError
from chassis.ids import new_id
from chassis.testing import ModelServer, eventually
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import chat_pb2

# Fixtures of conftest.py, which a test module has no names for.
Client = Any

CANARY = 'ak"canary\\7f3k-9xQ2+Zz/w=='


def unsaved(base_url: str, **other: Any) -> chat_pb2.TestConnectionRequest:
    values = {"api_key": CANARY, "model": "tokens-20", "base_url": base_url, **other}
    return chat_pb2.TestConnectionRequest(unsaved=apikey_pb2.CreateKeyRequest(**values))


async def test_one_that_is_not_stored_is_tried(client: Client, model_server: ModelServer) -> None:
    answer = await client.call("TestConnection", unsaved(model_server.base_url))
    assert not answer.HasField("failure")
    assert answer.latency_ms >= 0


async def test_one_that_could_not_be_stored_is_refused_by_field(
    client: Client, model_server: ModelServer
) -> None:
    before = model_server.counters()["calls"]
    with pytest.raises(RemoteError) as refused:
        await client.call("TestConnection", unsaved(model_server.base_url, model=""))
    assert refused.value.reason == "VALIDATION"
    assert [one.field for one in refused.value.fields] == ["model"]
    assert model_server.counters()["calls"] == before


async def test_one_that_is_stored_is_tried_and_its_models_are_listed(
    client: Client, vault: Any, caller: Caller
) -> None:
    key_id = vault.keys.setdefault(caller.user_id, str(new_id()))
    tested = await client.call("TestConnection", chat_pb2.TestConnectionRequest(key_id=key_id))
    assert not tested.HasField("failure")
    listed = await client.call("ListModels", chat_pb2.ListModelsRequest(key_id=key_id))
    ids = [model.id for model in listed.items]
    assert "echo" in ids
    assert ids == sorted(ids, key=str.casefold)
    assert not listed.items[0].HasField("context_tokens")


@pytest.mark.parametrize("key_id", ["", "nonsense", "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e09"])
async def test_an_id_of_no_key_of_ones_own_is_not_found(
    client: Client, strange_client: Client, vault: Any, caller: Caller, key_id: str
) -> None:
    mine = vault.keys.setdefault(caller.user_id, str(new_id()))
    for who, one in ((client, key_id), (strange_client, mine)):
        for method, request in (
            ("TestConnection", chat_pb2.TestConnectionRequest(key_id=one)),
            ("ListModels", chat_pb2.ListModelsRequest(key_id=one)),
        ):
            with pytest.raises(RemoteError) as refused:
                await who.call(method, request)
            assert refused.value.reason == "KEY_NOT_FOUND"


ECHOES = {
    "as it is": CANARY,
    "as JSON": json.dumps(CANARY),
    "its repr": repr(CANARY),
    "in a URL": quote(CANARY, safe=""),
    "in base64": base64.b64encode(CANARY.encode()).decode(),
    "in hex": CANARY.encode().hex(),
    "as escapes": "".join(f"\\u{ord(letter):04x}" for letter in CANARY),
}


@pytest.mark.parametrize(
    ("place", "echo"),
    [
        # Each place and each spelling is met; that all are hidden everywhere, the tests of redaction show.
        pytest.param(place, echo, marks=[] if (at + number) % 5 == 0 else [pytest.mark.slow])
        for at, place in enumerate(("message", "code", "body"))
        for number, echo in enumerate(ECHOES)
    ],
)
async def test_a_key_that_a_server_quotes_is_in_no_answer_and_no_log(
    client: Client, told: Any, caplog: pytest.LogCaptureFixture, echo: str, place: str
) -> None:
    caplog.set_level("DEBUG")
    quoted = ECHOES[echo]
    body = (
        f"key {quoted} is wrong".encode()
        if place == "body"
        else json.dumps({"error": {"message": "no", place: f"key {quoted} is wrong"}}).encode()
    )
    told.pages["/v1/chat/completions"] = (401, "application/json", body)
    answer = await client.call("TestConnection", unsaved(f"{told.url}/v1"))
    assert answer.failure.reason == "PROVIDER_UNAUTHORIZED"
    shown = f"{answer}{answer.failure.provider_message}" + "".join(
        record.getMessage() for record in caplog.records
    )
    assert "connection.tested" in shown
    for form in ECHOES.values():
        assert form not in shown
    assert "canary" not in shown


async def test_what_a_connection_came_to_is_reported_for_the_runs_user(
    client: Client, vault: Any
) -> None:
    vault.model = "status-500"
    await client.ask()
    await eventually(lambda: vault.reports)
    (report,) = vault.reports
    assert (report.error_reason, report.ok) == ("PROVIDER_FAILED", False)
    assert report.key_id in vault.keys.values()
