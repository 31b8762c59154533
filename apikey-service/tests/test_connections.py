"""A user's connections: changed, deleted, made the default, and nobody else's to touch."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError
from chassis.ids import new_id
from chassis.testing import DatabaseUrls
from parley.apikey.v1 import apikey_pb2
from parley.generation.v1 import generation_pb2

from .headers import headers

Person = Any

Parameters = generation_pb2.GenerationParameters
ELSEWHERE = "https://elsewhere.example/v1"


async def test_a_new_connection_has_the_defaults_of_what_it_says_nothing_of(ada: Person) -> None:
    plain = await ada.create("plain")
    assert plain.parameters == Parameters(temperature=0.7, max_tokens=2048)
    mixed = await ada.create(
        "mixed", parameters=Parameters(temperature=0, top_p=1), cleared_parameters=["max_tokens"]
    )
    assert mixed.parameters == Parameters(temperature=0, top_p=1)
    bare = await ada.create("bare", cleared_parameters=["temperature", "max_tokens"])
    assert bare.parameters == Parameters()
    assert (await ada.resolve(id=mixed.id)).parameters == mixed.parameters


async def test_everything_of_a_connection_is_answered_to_whoever_calls_the_server(
    ada: Person,
) -> None:
    fallback = await ada.create("fallback")
    said = Parameters(
        temperature=1.5, max_tokens=9, top_p=0.1, stop=["\n", "END "], reasoning_effort="none"
    )
    key = await ada.create(
        "whole",
        provider=apikey_pb2.PROVIDER_ANTHROPIC,
        api_key="k" * 8000,
        headers=headers(**{"api-key": " v1 ", "HTTP-Referer": "https://a.example/?b=c d"}),
        parameters=said,
        fallback_key_id=fallback.id,
    )
    assert list(key.header_names) == ["api-key", "HTTP-Referer"]
    assert (key.provider, key.owner) == (apikey_pb2.PROVIDER_ANTHROPIC, apikey_pb2.OWNER_USER)
    assert await ada.get(key.id) == key

    resolved = await ada.resolve(id=key.id)
    assert resolved.api_key == "k" * 8000
    assert {header.name: header.value for header in resolved.headers} == {
        "api-key": "v1",
        "HTTP-Referer": "https://a.example/?b=c d",
    }
    assert resolved.parameters == said
    assert resolved.fallback_key_id == fallback.id
    assert (resolved.provider, resolved.owner) == (key.provider, key.owner)
    assert not resolved.HasField("daily_tokens")
    assert not resolved.has_error
    assert list(resolved.models) == list(resolved.learnt) == []


async def test_each_field_is_changed_by_itself_and_all_others_stay(ada: Person) -> None:
    other = await ada.create("other")
    key = await ada.create("work", headers=headers(a="1"))
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"name": " home "}, {"name": "home"}),
        ({"api_key": "sk-another-0123456789-abcd"}, {"masked_key": "sk-…abcd"}),
        ({"model": "gpt-6"}, {"model": "gpt-6"}),
        (
            {"base_url": f"{ELSEWHERE}/", "api_key": "sk-1234567890abcdef", "headers": headers()},
            {"base_url": ELSEWHERE, "masked_key": "sk-…cdef", "header_names": []},
        ),
        (
            {"provider": apikey_pb2.PROVIDER_ANTHROPIC},
            {"provider": apikey_pb2.PROVIDER_ANTHROPIC},
        ),
        ({"headers": headers(b="2", c="3")}, {"header_names": ["b", "c"]}),
        (
            {"parameters": Parameters(top_p=0.5)},
            {"parameters": Parameters(temperature=0.7, max_tokens=2048, top_p=0.5)},
        ),
        (
            {"cleared_parameters": ["temperature", "stop"]},
            {"parameters": Parameters(max_tokens=2048, top_p=0.5)},
        ),
        ({"fallback_key_id": other.id}, {"fallback_key_id": other.id}),
        ({"fallback_key_id": ""}, {"fallback_key_id": None}),
    ]
    for change, becomes in changes:
        expected = apikey_pb2.Key()
        expected.CopyFrom(key)
        for name, value in becomes.items():
            expected.ClearField(name)  # type: ignore[arg-type]
            expected.MergeFrom(apikey_pb2.Key(**{name: value}))
        key = await ada.update(key.id, **change)
        assert key.updated_at.ToNanoseconds() > expected.updated_at.ToNanoseconds()
        expected.updated_at.CopyFrom(key.updated_at)
        assert key == expected, change
        assert await ada.get(key.id) == key
    resolved = await ada.resolve(id=key.id)
    assert resolved.api_key == "sk-1234567890abcdef"
    assert [(header.name, header.value) for header in resolved.headers] == [("b", "2"), ("c", "3")]


async def test_a_change_of_nothing_changes_nothing(ada: Person) -> None:
    key = await ada.create()
    assert await ada.update(key.id) == key


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.example.com/v1",
        "https://api.example.com:8443/v1",
        "https://api.example.com/v2",
        "https://api.example.com",
        "https://api.example.com/v1?api-version=2",
        "https://evil.example/v1",
    ],
)
async def test_another_base_url_in_whatever_part_needs_the_key_and_headers_again(
    ada: Person, base_url: str
) -> None:
    bare, key = await ada.create("bare"), await ada.create("work", headers=headers(a="1"))
    needed = [FieldError("api_key", "REQUIRED"), FieldError("headers", "REQUIRED")]

    assert await ada.refused("UpdateKey", id=bare.id, base_url=base_url) == (
        "KEY_NEEDED", needed[:1],
    )  # fmt: skip
    for given, missing in (
        ({}, needed),
        ({"api_key": "k"}, needed[1:]),
        ({"headers": headers(a="2")}, needed[:1]),
    ):
        told = await ada.refused("UpdateKey", id=key.id, name="new", base_url=base_url, **given)
        assert told == ("KEY_NEEDED", missing)
    assert await ada.get(key.id) == key

    changed = await ada.update(key.id, base_url=base_url, api_key="k", headers=headers(a="2"))
    assert changed.base_url == base_url
    assert (await ada.update(bare.id, base_url=base_url, api_key="k")).base_url == base_url


async def test_the_same_base_url_in_another_spelling_needs_no_key(ada: Person) -> None:
    key = await ada.create()
    for same in (
        key.base_url,
        " HTTPS://API.example.com/v1/ ",
        "https://api.example.com/v1/chat/completions",
    ):
        assert (await ada.update(key.id, base_url=same)).base_url == key.base_url


async def test_of_many_changes_at_once_each_keeps_what_the_others_said(ada: Person) -> None:
    key = await ada.create(headers=headers(a="0"))
    await asyncio.gather(
        ada.update(key.id, name="renamed"),
        ada.update(key.id, model="m2"),
        ada.update(key.id, api_key="sk-0000000000000000-last"),
        ada.update(key.id, headers=headers(b="1")),
        ada.update(key.id, parameters=Parameters(top_p=0.25)),
        ada.update(key.id, parameters=Parameters(reasoning_effort="high")),
        ada.update(key.id, cleared_parameters=["temperature"]),
        ada.update(key.id, provider=apikey_pb2.PROVIDER_ANTHROPIC),
    )
    changed = await ada.get(key.id)
    assert (changed.name, changed.model, changed.masked_key) == ("renamed", "m2", "sk-…last")
    assert (list(changed.header_names), changed.provider) == (["b"], apikey_pb2.PROVIDER_ANTHROPIC)
    assert changed.parameters == Parameters(max_tokens=2048, top_p=0.25, reasoning_effort="high")
    resolved = await ada.resolve(id=key.id)
    assert resolved.api_key == "sk-0000000000000000-last"
    assert [(header.name, header.value) for header in resolved.headers] == [("b", "1")]


async def test_a_key_never_goes_to_a_server_that_another_change_has_named_meanwhile(
    ada: Person,
) -> None:
    key = await ada.create(api_key="sk-of-the-first-server")
    outcomes = await asyncio.gather(
        *(ada.update(key.id, base_url=ELSEWHERE, api_key="sk-of-elsewhere") for _ in range(4)),
        *(ada.update(key.id, base_url="https://api.example.com/v1") for _ in range(4)),
        return_exceptions=True,
    )
    assert not [one for one in outcomes[:4] if isinstance(one, BaseException)]
    resolved = await ada.resolve(id=key.id)
    assert (resolved.base_url, resolved.api_key) == (ELSEWHERE, "sk-of-elsewhere")


async def test_a_name_is_looked_for_as_names_are_compared(ada: Person, eve: Person) -> None:
    key = await ada.create("first")
    for name in ("Straße/1", "../x?#%", "ｗｏｒｋ"):
        key = await ada.create(name)
        await eve.create(name)
        for spelled in (name, f"  {name.upper()} "):
            assert (await ada.tell("GetKeyByName", name=spelled)).key == await ada.get(key.id)
            assert (await ada.resolve(name=spelled)).id == key.id
    for absent in ("", " ", "\x00", "x" * 101, "x" * 1_000_000, "work2", "wo\u200brk"):
        assert await ada.refused("GetKeyByName", name=absent) == ("KEY_NOT_FOUND", [])
        assert await ada.refused("ResolveKey", name=absent) == ("KEY_NOT_FOUND", [])
    assert await ada.refused("ResolveKey", id=key.id, name="work") == (
        "VALIDATION", [FieldError("name", "NOT_BOTH")],
    )  # fmt: skip


async def test_a_name_that_is_taken_is_refused_and_nothing_else_is_changed(ada: Person) -> None:
    await ada.create("Taken")
    key = await ada.create("work")
    assert await ada.refused("UpdateKey", id=key.id, name="TAKEN", model="m") == (
        "KEY_NAME_TAKEN", [],
    )  # fmt: skip
    assert await ada.get(key.id) == key
    assert (await ada.update(key.id, name="WORK")).name == "WORK"


async def test_the_default_is_the_marked_one_and_without_it_the_first(ada: Person) -> None:
    assert (await ada.refused("GetDefaultKey"))[0] == "NO_KEY"
    first, second, third = [await ada.create(name) for name in ("first", "second", "third")]
    assert [key.is_default for key in (first, second, third)] == [True, False, False]

    async def default() -> str:
        told = (await ada.tell("GetDefaultKey")).key
        listed = [key for key in (await ada.tell("ListKeys")).items if key.is_default]
        assert listed == [told]
        assert (await ada.resolve()).id == told.id
        return str(told.name)

    assert await default() == "first"
    assert (await ada.tell("SetDefaultKey", key_id=third.id)).key.is_default
    assert await default() == "third"
    assert (await ada.update(third.id, model="m")).is_default
    await ada.tell("SetDefaultKey", key_id=second.id)
    assert await default() == "second"
    await ada.tell("DeleteKey", id=second.id)
    assert await default() == "first"
    await ada.tell("DeleteKey", id=first.id)
    assert await default() == "third"
    await ada.tell("DeleteKey", id=third.id)
    assert (await ada.refused("ResolveKey"))[0] == "NO_KEY"
    # A mark is no ghost of what is gone.
    assert (await ada.create("fourth")).is_default


async def test_somebody_elses_is_as_if_absent_whatever_is_asked_of_it(
    ada: Person, eve: Person
) -> None:
    of_ada, of_eve = await ada.create("Ada's"), await eve.create("Eve's")
    for key_id in (of_ada.id, str(new_id()), "", "x", "\x00", of_ada.id.upper() + " "):
        for method, fields in (
            ("GetKey", {"id": key_id}),
            ("UpdateKey", {"id": key_id, "name": "mine now"}),
            ("UpdateKey", {"id": key_id, "base_url": ELSEWHERE}),
            ("UpdateKey", {"id": key_id}),
            ("DeleteKey", {"id": key_id}),
            ("SetDefaultKey", {"key_id": key_id}),
            ("ResolveKey", {"id": key_id}),
            ("ReportUse", {"key_id": key_id, "error_reason": "PROVIDER_BUSY"}),
        ):
            assert await eve.refused(method, **fields) == ("KEY_NOT_FOUND", []), method
        if key_id:
            refused = ("VALIDATION", [FieldError("fallback_key_id", "NOT_FOUND")])
            body = {"api_key": "k", "model": "m", "base_url": ELSEWHERE, "name": "n"}
            assert await eve.refused("CreateKey", fallback_key_id=key_id, **body) == refused
            assert await eve.refused("UpdateKey", id=of_eve.id, fallback_key_id=key_id) == refused
    assert await eve.refused("GetKeyByName", name="Ada's") == ("KEY_NOT_FOUND", [])
    assert await eve.refused("ResolveKey", name="Ada's") == ("KEY_NOT_FOUND", [])
    assert await ada.get(of_ada.id) == of_ada
    assert await eve.get(of_eve.id) == of_eve


async def test_what_the_version_before_goes_on_storing_is_whole_and_asks_as_it_did(
    ada: Person, database: DatabaseUrls
) -> None:
    key = await ada.create()
    with psycopg.connect(database.admin, autocommit=True) as admin:
        columns = (
            "tenant_id, user_id, masked_key, model, base_url, provider, ciphertext, wrapped_key,"
            " kek_id, created_at, updated_at"
        )
        admin.execute(
            f"INSERT INTO keys (id, name, name_folded, {columns})"
            f" SELECT gen_random_uuid(), 'old', 'old', {columns} FROM keys"
        )
    old = (await ada.tell("GetKeyByName", name="old")).key
    assert old.parameters == Parameters(temperature=0.7, max_tokens=2048)
    assert list(old.header_names) == list(old.learnt) == []
    assert (await ada.update(old.id, headers=headers(a="1"))).header_names == ["a"]
    assert (await ada.update(old.id, fallback_key_id=key.id)).fallback_key_id == key.id


async def test_a_change_is_the_last_one_by_whichever_clock(
    ada: Person, database: DatabaseUrls
) -> None:
    key = await ada.create()
    with psycopg.connect(database.worker) as worker:
        # By a replica whose clock is ahead of this one's.
        worker.execute("UPDATE keys SET updated_at = '2040-01-01Z' WHERE id = %s", [key.id])
    changed = await ada.update(key.id, name="changed")
    assert changed.name == "changed"
    assert changed.updated_at.ToDatetime(UTC) == datetime(2040, 1, 1, tzinfo=UTC)
