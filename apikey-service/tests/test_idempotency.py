"""A connection that is stored twice by one request: one key, and the same answer."""

import asyncio
import base64
import hmac
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from apikey_service.settings import Settings
from chassis.caller import Caller
from chassis.errors import RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls, Signer
from parley.apikey.v1 import apikey_pb2
from parley.apikey.v1.apikey_pb2_grpc import ApiKeyServiceStub
from parley.generation.v1 import generation_pb2

PLAIN = "sk-proj-0123456789abcdefwxyz"
# Two more key-encryption keys: the service has the first in its ring, and not the second.
OLD, FOREIGN = (base64.b64encode(bytes(range(start, start + 32))).decode() for start in (50, 90))


@pytest.fixture
def changes() -> dict[str, object]:
    return {"vault_old_keys": (SecretStr(OLD),)}


def _request(name: str = "work", api_key: str = PLAIN) -> apikey_pb2.CreateKeyRequest:
    return apikey_pb2.CreateKeyRequest(
        name=name, api_key=api_key, model="gpt-5", base_url="https://example.com/v1"
    )


def _content() -> bytes:
    return b"parley.apikey.v1.CreateKeyRequest\0" + _request().SerializeToString(deterministic=True)


def _keyed(key_encryption_key: str) -> bytes:
    derived = hmac.digest(
        base64.b64decode(key_encryption_key), b"parley vault request hash", sha256
    )
    return hmac.digest(derived, _content(), sha256)


async def _create(
    keys: Channel, caller: Caller, key: str, name: str = "work", api_key: str = PLAIN
) -> apikey_pb2.Key:
    answer = await keys.unary(
        keys.stub(ApiKeyServiceStub).CreateKey,
        _request(name, api_key),
        timeout=30,
        token=caller.token,
        idempotency_key=key,
    )
    return answer.key


async def test_the_same_request_again_is_answered_alike(keys: Channel, signer: Signer) -> None:
    alice = signer.caller()
    first = await _create(keys, alice, "k")
    assert await _create(keys, alice, "k") == first
    assert first.masked_key.endswith("wxyz")


async def test_of_ten_at_once_one_is_stored(keys: Channel, signer: Signer) -> None:
    alice = signer.caller()
    outcomes = await asyncio.gather(
        *(_create(keys, alice, "k") for _ in range(10)), return_exceptions=True
    )
    made = [outcome.id for outcome in outcomes if isinstance(outcome, apikey_pb2.Key)]
    refused = {outcome.reason for outcome in outcomes if isinstance(outcome, RemoteError)}
    assert refused <= {"REQUEST_IN_PROGRESS"}
    assert set(made) == {(await _create(keys, alice, "k")).id}


async def test_two_users_with_one_key_at_one_moment_each_store_their_own(
    keys: Channel, signer: Signer
) -> None:
    alice = signer.caller()
    bob = signer.caller(tenant_id=alice.tenant_id)
    of_alice, of_bob = await asyncio.gather(
        _create(keys, alice, "k"), _create(keys, bob, "k", api_key="sk-of-bobs-own-abcd")
    )
    assert of_alice.id != of_bob.id
    assert [key.masked_key[-4:] for key in (of_alice, of_bob)] == ["wxyz", "abcd"]
    # And each is answered alike again, with what is theirs.
    assert await _create(keys, alice, "k") == of_alice
    assert await _create(keys, bob, "k", api_key="sk-of-bobs-own-abcd") == of_bob


@pytest.mark.parametrize("change", [{"name": "home"}, {"api_key": "sk-another"}])
async def test_another_request_with_the_same_key_is_refused(
    keys: Channel, signer: Signer, change: dict[str, str]
) -> None:
    alice = signer.caller()
    await _create(keys, alice, "k")
    with pytest.raises(RemoteError) as refused:
        await _create(keys, alice, "k", **change)
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_a_name_that_was_taken_does_not_use_the_key_up(keys: Channel, signer: Signer) -> None:
    alice = signer.caller()
    await _create(keys, alice, "first")
    with pytest.raises(RemoteError) as refused:
        await _create(keys, alice, "second", api_key="sk-another")
    assert refused.value.reason == "KEY_NAME_TAKEN"
    assert (await _create(keys, alice, "second", name="home")).name == "home"


async def test_what_is_kept_for_the_repetition_holds_no_secret(
    keys: Channel, signer: Signer, database: DatabaseUrls
) -> None:
    await _create(keys, signer.caller(), "k")
    with psycopg.connect(database.admin) as admin:
        ((answer,),) = admin.execute("SELECT answer FROM idempotency_keys").fetchall()
    assert b"work" in answer
    assert PLAIN[:-4].encode() not in answer


async def test_whoever_has_the_table_cannot_try_out_which_key_was_stored(
    keys: Channel, signer: Signer, database: DatabaseUrls, settings: Settings
) -> None:
    await _create(keys, signer.caller(), "k")
    with psycopg.connect(database.admin) as admin:
        ((kept,),) = admin.execute("SELECT request_hash FROM idempotency_keys").fetchall()
    assert kept == _keyed(settings.vault_key.get_secret_value())
    assert kept != sha256(_content()).digest()


@pytest.mark.parametrize("kept", [_keyed(OLD), sha256(_content()).digest()], ids=["old", "plain"])
async def test_what_was_kept_under_an_old_key_or_before_there_was_one_is_known_again(
    keys: Channel, signer: Signer, database: DatabaseUrls, kept: bytes
) -> None:
    alice = signer.caller()
    first = await _create(keys, alice, "k")
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute("UPDATE idempotency_keys SET request_hash = %s", (kept,))
    assert await _create(keys, alice, "k") == first
    with pytest.raises(RemoteError) as refused:
        await _create(keys, alice, "k", api_key="sk-another")
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_what_was_kept_under_a_key_that_is_gone_is_another_request(
    keys: Channel, signer: Signer, database: DatabaseUrls
) -> None:
    alice = signer.caller()
    await _create(keys, alice, "k")
    with psycopg.connect(database.admin, autocommit=True) as admin:
        admin.execute("UPDATE idempotency_keys SET request_hash = %s", (_keyed(FOREIGN),))
    with pytest.raises(RemoteError) as refused:
        await _create(keys, alice, "k")
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_everything_of_a_connection_is_answered_alike_again(ada: Any) -> None:
    fallback = await ada.create("fallback")
    request = apikey_pb2.CreateKeyRequest(
        name="work",
        api_key=PLAIN,
        model="gpt-5",
        base_url="https://example.com/v1?api-version=1",
        provider=apikey_pb2.PROVIDER_ANTHROPIC,
        headers=apikey_pb2.Headers(items=[apikey_pb2.Header(name="api-key", value="v")]),
        parameters=generation_pb2.GenerationParameters(
            top_p=0.5, stop=["a", "b"], reasoning_effort="low"
        ),
        cleared_parameters=["temperature"],
        fallback_key_id=fallback.id,
    )

    async def create(key: str) -> apikey_pb2.Key:
        stub = ada.gateway.stub(ApiKeyServiceStub)
        answer = await ada.gateway.unary(
            stub.CreateKey, request, timeout=30, token=ada.caller.token, idempotency_key=key
        )
        found: apikey_pb2.Key = answer.key
        return found

    first = await create("k")
    assert await create("k") == first == await ada.get(first.id)
    # What it fell back to may be gone by now.
    await ada.tell("DeleteKey", id=fallback.id)
    assert await create("k") == first
    request.headers.items[0].value = "another"
    with pytest.raises(RemoteError) as refused:
        await create("k")
    assert refused.value.reason == "IDEMPOTENCY_KEY_REUSED"
