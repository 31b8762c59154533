"""How many connections a user may have: no more, however they are asked for."""

import asyncio
from typing import Any

import pytest

from chassis.errors import AppError, Kind
from parley.apikey.v1 import apikey_pb2, apikey_pb2_grpc

MOST = 3


@pytest.fixture
def changes() -> dict[str, object]:
    return {"keys_per_user": MOST}


async def create(ada: Any, name: str) -> str:
    """The new key's id, or why there is none; who finds the database busy comes again."""
    while True:
        try:
            key: apikey_pb2.Key = await ada.create(name)
        except AppError as error:
            if error.reason == "DATABASE_BUSY":
                continue
            return error.reason
        return key.id


async def test_of_fifty_connections_at_once_as_many_are_stored_as_may_be(
    ada: Any, eve: Any
) -> None:
    outcomes = await asyncio.gather(*(create(ada, f"key-{number}") for number in range(50)))
    assert outcomes.count("TOO_MANY_KEYS") == 50 - MOST
    listed = await ada.tell("ListKeys", limit=100, count=True)
    assert {key.id for key in listed.items} == set(outcomes) - {"TOO_MANY_KEYS"}
    assert (len(listed.items), listed.total) == (MOST, MOST)
    assert [key.is_default for key in listed.items].count(True) == 1

    # Nobody else is kept from anything, and whoever deletes one has room again.
    assert await create(eve, "key 1") != "TOO_MANY_KEYS"
    await ada.tell("DeleteKey", id=listed.items[0].id)
    assert await create(ada, "another") != "TOO_MANY_KEYS"
    assert await create(ada, "one-more") == "TOO_MANY_KEYS"


async def test_a_repetition_finds_what_was_stored_also_where_there_is_no_more_room(
    ada: Any,
) -> None:
    method = ada.gateway.stub(apikey_pb2_grpc.ApiKeyServiceStub).CreateKey

    async def once(name: str) -> str:
        request = apikey_pb2.CreateKeyRequest(
            name=name, api_key="k" * 20, model="m", base_url="https://api.example.com/v1"
        )
        response = await ada.gateway.unary(
            method, request, timeout=30, token=ada.caller.token, idempotency_key=name
        )
        created: str = response.key.id
        return created

    first = [await once(f"key-{number}") for number in range(MOST)]
    assert [await once(f"key-{number}") for number in range(MOST)] == first
    with pytest.raises(AppError) as refused:
        await once("one-more")
    assert (refused.value.kind, refused.value.reason) == (Kind.CONFLICT, "TOO_MANY_KEYS")
    assert "delete one" in refused.value.detail
