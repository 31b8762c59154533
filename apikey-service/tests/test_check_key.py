"""A connection that is not stored is checked as one that is to be, and nothing of it is kept."""

from typing import Any

import pytest

from chassis.errors import RemoteError
from parley.apikey.v1 import apikey_pb2

# Fixtures of conftest.py, which a test module has no names for.
Person = Any

NEW: dict[str, Any] = {
    "api_key": " sk-0123456789abcdef-wxyz ",
    "model": " gpt-5 ",
    "base_url": "HTTPS://API.example.com/v1/chat/completions",
}


async def test_it_comes_back_as_it_would_be_resolved_and_is_not_kept(ada: Person) -> None:
    headers = apikey_pb2.Headers(items=[apikey_pb2.Header(name="X-Title", value=" a ")])
    key = apikey_pb2.CreateKeyRequest(**NEW, headers=headers, cleared_parameters=["max_tokens"])
    checked = (await ada.chats("CheckKey", key=key)).connection
    assert (checked.api_key, checked.model) == ("sk-0123456789abcdef-wxyz", "gpt-5")
    assert checked.base_url == "https://api.example.com/v1"
    assert [(one.name, one.value) for one in checked.headers] == [("X-Title", "a")]
    assert checked.parameters.temperature == 0.7
    assert not checked.parameters.HasField("max_tokens")
    assert checked.owner == apikey_pb2.OWNER_USER
    assert checked.id
    assert list((await ada.tell("ListKeys")).items) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"api_key": ""}, "api_key"),
        ({"model": "a\nb"}, "model"),
        ({"base_url": "http://127.0.0.1/v1"}, "base_url"),
        ({"base_url": "http://u:p@h.example"}, "base_url"),
        ({"provider": 99}, "provider"),
        (
            {"headers": apikey_pb2.Headers(items=[apikey_pb2.Header(name="Host", value="x")])},
            "headers",
        ),
    ],
)
async def test_what_could_not_be_stored_is_refused_by_the_same_words(
    ada: Person, wrong: dict[str, Any], field: str
) -> None:
    key = apikey_pb2.CreateKeyRequest(**{**NEW, **wrong})
    with pytest.raises(RemoteError) as refused:
        await ada.chats("CheckKey", key=key)
    with pytest.raises(RemoteError) as not_stored:
        await ada.tell("CreateKey", name="work", **{**NEW, **wrong})
    assert refused.value.fields == not_stored.value.fields
    assert {one.field for one in refused.value.fields} == {field}


async def test_the_gateway_may_not_ask(ada: Person) -> None:
    with pytest.raises(RemoteError) as refused:
        await ada.tell("CheckKey", key=apikey_pb2.CreateKeyRequest(**NEW))
    assert refused.value.reason == "FORBIDDEN"
