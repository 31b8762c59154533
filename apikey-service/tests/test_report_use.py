"""What came of using a connection: the last error, what was learnt, and when it was used."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio

from apikey_service.background import NotedUses
from apikey_service.store.uses import Uses
from chassis.db.engine import Database
from chassis.db.errors import DatabaseBusy
from chassis.errors import AppError, FieldError
from chassis.testing import DatabaseUrls, eventually
from parley.apikey.v1 import apikey_pb2

Person = Any
Learnt = apikey_pb2.Learnt


async def test_the_last_error_stays_until_a_use_has_worked(ada: Person) -> None:
    key = await ada.create()
    assert not key.HasField("last_error")

    for reason in ("PROVIDER_BUSY", "PROVIDER_UNAUTHORIZED"):
        await ada.chats("ReportUse", key_id=key.id, error_reason=reason)
        shown = await ada.get(key.id)
        assert shown.last_error.reason == reason
        assert shown.last_error.at.ToNanoseconds() >= key.created_at.ToNanoseconds()
        assert (await ada.resolve(id=key.id)).has_error
        assert shown.updated_at == key.updated_at

    await ada.chats("ReportUse", key_id=key.id, learnt=[Learnt(model="m", parameter="p")])
    assert (await ada.get(key.id)).HasField("last_error")
    for _ in range(2):
        await ada.chats("ReportUse", key_id=key.id, ok=True)
        assert not (await ada.get(key.id)).HasField("last_error")
        assert not (await ada.resolve(id=key.id)).has_error


@pytest.mark.parametrize(
    "change",
    [
        {"api_key": "k"},
        {"model": "m"},
        {"headers": apikey_pb2.Headers()},
        {"provider": apikey_pb2.PROVIDER_ANTHROPIC},
    ],
)
async def test_who_mends_a_connection_is_not_told_of_the_error_before(
    ada: Person, change: dict[str, Any]
) -> None:
    key = await ada.create()
    await ada.chats("ReportUse", key_id=key.id, error_reason="PROVIDER_UNAUTHORIZED")
    assert (await ada.update(key.id, name="other")).HasField("last_error")
    assert not (await ada.update(key.id, **change)).HasField("last_error")


async def test_what_was_learnt_is_of_each_model_and_parameter_the_newest(ada: Person) -> None:
    key = await ada.create()
    first = [
        Learnt(model="a", parameter="max_tokens", use="max_completion_tokens"),
        Learnt(model="b", parameter="max_tokens", use="max_completion_tokens"),
        Learnt(model="a", parameter="temperature"),
    ]
    for _ in range(2):  # said again, it is the same
        await ada.chats("ReportUse", key_id=key.id, learnt=first)
        assert list((await ada.get(key.id)).learnt) == first
        assert list((await ada.resolve(id=key.id)).learnt) == first
    newer = Learnt(model="a", parameter="max_tokens")
    await ada.chats("ReportUse", key_id=key.id, learnt=[newer], ok=True)
    assert list((await ada.get(key.id)).learnt) == [*first[1:], newer]


async def test_of_much_that_was_learnt_the_newest_thirty_two_are_kept(ada: Person) -> None:
    key = await ada.create()
    items = [Learnt(model=f"m{number}", parameter="top_p") for number in range(40)]
    for at in range(0, 40, 8):
        await ada.chats("ReportUse", key_id=key.id, learnt=items[at : at + 8])
    assert list((await ada.get(key.id)).learnt) == items[8:]


async def test_of_reports_at_once_none_is_lost(ada: Person) -> None:
    key = await ada.create()
    items = [Learnt(model=f"m{number}", parameter="top_p") for number in range(16)]
    await asyncio.gather(
        *(ada.chats("ReportUse", key_id=key.id, learnt=[item]) for item in items),
        ada.update(key.id, model="other"),
    )
    shown = await ada.get(key.id)
    assert {item.model for item in shown.learnt} == {item.model for item in items}
    assert shown.model == "other"


async def test_what_a_server_has_taught_is_forgotten_with_the_server(ada: Person) -> None:
    taught = [Learnt(model="a", parameter="top_p")]
    for change in (
        {"base_url": "https://elsewhere.example", "api_key": "k"},
        {"provider": apikey_pb2.PROVIDER_ANTHROPIC},
    ):
        key = await ada.create(f"key {len(change)}")
        await ada.chats("ReportUse", key_id=key.id, learnt=taught)
        assert list((await ada.update(key.id, model="x", base_url=key.base_url)).learnt) == taught
        assert list((await ada.update(key.id, **change)).learnt) == []


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"error_reason": ""}, [("error_reason", "REQUIRED")]),
        ({"error_reason": "it failed"}, [("error_reason", "INVALID_CHARACTER")]),
        ({"error_reason": "X" * 65}, [("error_reason", "TOO_LONG", None, 64)]),
        ({"error_reason": "BUSY", "ok": True}, [("ok", "NOT_BOTH")]),
        (
            {"learnt": [Learnt(model="m", parameter="p")] * 33},
            [("learnt", "TOO_MANY", None, 32)],
        ),
        ({"learnt": [Learnt(parameter="p")]}, [("learnt.model", "REQUIRED")]),
        ({"learnt": [Learnt(model="m")]}, [("learnt.parameter", "REQUIRED")]),
        (
            {"learnt": [Learnt(model="m", parameter="<script>")]},
            [("learnt.parameter", "INVALID_CHARACTER")],
        ),
        (
            {"learnt": [Learnt(model="m", parameter="p", use="x" * 65)]},
            [("learnt.use", "TOO_LONG", None, 64)],
        ),
    ],
)
async def test_a_report_that_is_not_acceptable_changes_nothing(
    ada: Person, fields: dict[str, Any], errors: list[Any]
) -> None:
    key = await ada.create()
    refused = ("VALIDATION", [FieldError(*error) for error in errors])
    assert await ada.refused("ReportUse", key_id=key.id, **fields) == refused
    assert await ada.get(key.id) == key


async def test_a_report_of_a_run_whose_token_has_expired_meanwhile_is_taken(
    ada: Person, signer: Any
) -> None:
    key = await ada.create()
    old = type(ada)(ada.gateway, ada.chat, signer.caller(
        user_id=ada.caller.user_id, tenant_id=ada.caller.tenant_id, lifetime=-60,
    ))  # fmt: skip
    await old.chats("ReportUse", key_id=key.id, error_reason="PROVIDER_BUSY")
    assert (await ada.get(key.id)).last_error.reason == "PROVIDER_BUSY"
    # Of what a run needs behind its beginning, another connection's key is the rest.
    assert (await old.chats("ResolveKey", id=key.id)).id == key.id
    with pytest.raises(AppError) as refused:
        await old.chats("CheckKey", key=apikey_pb2.CreateKeyRequest(name="n"))
    assert refused.value.reason == "UNAUTHENTICATED"


async def test_when_a_key_was_used_is_written_behind_its_use(
    ada: Person, database: DatabaseUrls
) -> None:
    used, unused = await ada.create("used"), await ada.create("unused")
    assert not used.HasField("last_used_at")
    await ada.resolve(id=used.id)

    async def written() -> bool:
        return bool((await ada.get(used.id)).HasField("last_used_at"))

    await eventually(written, timeout=60)
    shown = await ada.get(used.id)
    assert shown.last_used_at.ToNanoseconds() >= used.created_at.ToNanoseconds()
    assert shown.updated_at == used.updated_at
    assert not (await ada.get(unused.id)).HasField("last_used_at")
    # An older note does not undo a newer one.
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("UPDATE keys SET last_used_at = '2100-01-01Z' WHERE id = %s", (used.id,))
    await ada.resolve()
    await ada.resolve(id=unused.id)

    async def written_too() -> bool:
        return bool((await ada.get(unused.id)).HasField("last_used_at"))

    await eventually(written_too, timeout=60)
    assert (await ada.get(used.id)).last_used_at.ToDatetime().year == 2100


@pytest_asyncio.fixture(loop_scope="session")
async def noted(database: DatabaseUrls) -> AsyncIterator[NotedUses]:
    """Those of a replica beside the service, which write only when they are told to."""
    worker = Database(database.worker, application_name="test", lock_seconds=0.1)
    yield NotedUses(Uses(worker))
    await worker.stop()


async def test_what_was_used_just_before_the_end_is_written(ada: Person, noted: NotedUses) -> None:
    one, other = await ada.create("one"), await ada.create("other")
    noted.note(UUID(one.id))
    await noted.drain()
    assert (await ada.get(one.id)).HasField("last_used_at")

    # By a call that was under way while everything drained.
    noted.note(UUID(other.id))
    await noted.stop()
    assert (await ada.get(other.id)).HasField("last_used_at")


async def test_what_cannot_be_written_is_noted_still(
    ada: Person, noted: NotedUses, database: DatabaseUrls
) -> None:
    key = await ada.create()
    noted.note(UUID(key.id))
    with psycopg.connect(database.admin) as admin:
        admin.execute("LOCK TABLE keys IN EXCLUSIVE MODE")
        with pytest.raises(DatabaseBusy):
            await noted.write()
    assert not (await ada.get(key.id)).HasField("last_used_at")
    await noted.write()
    assert (await ada.get(key.id)).HasField("last_used_at")
