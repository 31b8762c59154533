"""What may be said of a connection, and what is refused."""

from typing import Any

import pytest

from chassis.errors import FieldError
from parley.apikey.v1 import apikey_pb2
from parley.generation.v1 import generation_pb2

from .headers import headers

Person = Any

Parameters = generation_pb2.GenerationParameters
ELSEWHERE = "https://elsewhere.example/v1"


LONG = "x" * 101


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": ""}, [("name", "REQUIRED")]),
        ({"name": LONG}, [("name", "TOO_LONG", None, 100)]),
        ({"name": " .. "}, [("name", "RESERVED_NAME")]),
        ({"name": "."}, [("name", "RESERVED_NAME")]),
        ({"name": "a\x00b"}, [("name", "INVALID_CHARACTER")]),
        ({"name": "wo\u200brk"}, [("name", "INVALID_CHARACTER")]),
        ({"api_key": " "}, [("api_key", "REQUIRED")]),
        ({"api_key": "x" * 8001}, [("api_key", "TOO_LONG", None, 8000)]),
        ({"api_key": "a\r\nb"}, [("api_key", "INVALID_CHARACTER")]),
        ({"model": ""}, [("model", "REQUIRED")]),
        ({"base_url": ""}, [("base_url", "REQUIRED")]),
        ({"base_url": "https://a.example/#x"}, [("base_url", "INVALID_URL")]),
        ({"provider": 99}, [("provider", "UNKNOWN")]),
        ({"fallback_key_id": "x"}, [("fallback_key_id", "NOT_FOUND")]),
        (
            {"parameters": Parameters(temperature=2.1)},
            [("parameters.temperature", "TOO_LARGE", None, 2)],
        ),
        (
            {"parameters": Parameters(temperature=float("nan"))},
            [("parameters.temperature", "INVALID")],
        ),
        (
            {"parameters": Parameters(max_tokens=0)},
            [("parameters.max_tokens", "TOO_SMALL", 1)],
        ),
        ({"parameters": Parameters(top_p=-0.1)}, [("parameters.top_p", "TOO_SMALL", 0)]),
        (
            {"parameters": Parameters(stop=["a"] * 5)},
            [("parameters.stop", "TOO_MANY", None, 4)],
        ),
        ({"parameters": Parameters(stop=[""])}, [("parameters.stop.0", "REQUIRED")]),
        (
            {"parameters": Parameters(stop=["x" * 65])},
            [("parameters.stop.0", "TOO_LONG", None, 64)],
        ),
        ({"parameters": Parameters(stop=["\x00"])}, [("parameters.stop.0", "INVALID_CHARACTER")]),
        (
            {"parameters": Parameters(reasoning_effort="extreme")},
            [("parameters.reasoning_effort", "NOT_ONE_OF")],
        ),
        ({"cleared_parameters": ["model"]}, [("parameters", "UNKNOWN_FIELD")]),
        (
            {"cleared_parameters": ["top_p"], "parameters": Parameters(top_p=1)},
            [("parameters.top_p", "GIVEN_AND_CLEARED")],
        ),
    ],
)
async def test_what_is_not_acceptable_is_refused_at_creation_and_as_a_change(
    ada: Person, fields: dict[str, Any], errors: list[Any]
) -> None:
    key = await ada.create()
    refused = ("VALIDATION", [FieldError(*error) for error in errors])
    whole = {"name": "n", "api_key": "k", "model": "m", "base_url": ELSEWHERE}
    assert await ada.refused("CreateKey", **(whole | fields)) == refused
    assert await ada.refused("UpdateKey", id=key.id, **fields) == refused
    assert await ada.get(key.id) == key


RESERVED = (
    "Host", "host", "Authorization", "Connection", "Keep-Alive", "Proxy-Authorization", "TE",
    "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Content-Type",
    "Content-Encoding", "Accept", "Accept-Encoding", "Expect", "Cookie", "User-Agent", "Via",
    "X-Forwarded-For", "Forwarded", "Range", "If-None-Match", "HTTP2-Settings", "Sec-Fetch-Mode",
)  # fmt: skip


@pytest.mark.parametrize(
    ("items", "reasons"),
    [
        ([("", "v")], {"REQUIRED"}),
        ([("a", "")], {"REQUIRED"}),
        ([("a b", "v")], {"INVALID_NAME"}),
        ([("a:", "v")], {"INVALID_NAME"}),
        ([("ключ", "v")], {"INVALID_NAME"}),
        ([("a\r\nHost", "v")], {"INVALID_NAME"}),
        ([("a", "v\r\nHost: evil")], {"INVALID_VALUE"}),
        ([("a", "v\nx")], {"INVALID_VALUE"}),
        ([("a", "v\x00x")], {"INVALID_CHARACTER", "INVALID_VALUE"}),
        ([("a", "v\x7fx")], {"INVALID_VALUE"}),
        ([("a", "caf\u00e9")], {"INVALID_VALUE"}),
        ([("x" * 65, "v")], {"TOO_LONG"}),
        ([("a", "v" * 8001)], {"TOO_LONG"}),
        ([("a", "v" * 8000), ("b", "v" * 7999)], {"TOO_LONG"}),
        ([("a", "1"), ("A", "2")], {"NOT_UNIQUE"}),
        ([(f"a{number}", "v") for number in range(17)], {"TOO_MANY"}),
        *(([(name, "v")], {"RESERVED_NAME"}) for name in RESERVED),
    ],
)
async def test_headers_that_are_none_or_not_the_users_to_say_are_refused(
    ada: Person, items: list[tuple[str, str]], reasons: set[str]
) -> None:
    key = await ada.create()
    given = apikey_pb2.Headers(
        items=[apikey_pb2.Header(name=name, value=value) for name, value in items]
    )
    reason, fields = await ada.refused("UpdateKey", id=key.id, headers=given)
    assert (reason, {field.field for field in fields}) == ("VALIDATION", {"headers"})
    assert {field.reason for field in fields} == reasons


async def test_as_many_and_as_long_headers_as_may_be_come_back_as_they_were(ada: Person) -> None:
    longest = {"x" * 64: "!~ \t\"\\'" + "v" * 7000 + "~", "y": "v" * 8000}
    many = {f"a{number}.!#$%&'*+^_`|~-": "v" for number in range(14)}
    key = await ada.create(headers=headers(**longest, **many))
    resolved = await ada.resolve(id=key.id)
    assert {header.name: header.value for header in resolved.headers} == longest | many
