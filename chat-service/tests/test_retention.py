"""How long conversations are kept: of what operator, tenant and user say the shortest counts."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.engine import Database
from chassis.ids import new_id
from chassis.testing import Signer, eventually
from chat_service.runs.domain.retention import Retention
from chat_service.runs.store.purge import Purge
from chat_service.settings import Settings
from chat_service.user_settings.domain.settings import SettingsChange
from chat_service.user_settings.store.copy import take_changes
from chat_service.user_settings.store.following import FollowUserSettings
from chat_service.wiring import build
from parley.chat.v1 import chat_pb2

from .chat import Chat
from .client import Client
from .fake_auth import Preferences

DAY = timedelta(days=1)
FOR_EVER = Retention(deleted=30 * DAY, temporary=DAY)


async def forget(run_ids: Sequence[UUID]) -> None:
    assert run_ids


async def no_rest(seconds: float) -> None:
    assert seconds >= 0


def purge_of(chat: Chat, retention: Retention, **options: Any) -> Purge:
    return Purge(chat.worker, forget, lambda: retention, rest=no_rest, **options)


async def execute(chat: Chat, statement: str, **values: Any) -> Any:
    async with chat.worker.transaction() as connection:
        return await connection.execute(text(statement), values)


async def make(chat: Chat, caller: Caller, days: float, **columns: bool) -> str:
    """A conversation that was active so many days ago; returns its title, which says so."""
    title = f"{days}" + "".join(f" {name}" for name in columns)
    session = await chat.session(caller, title)
    await chat.turn(caller, session.id)
    sets = "".join(f", {name} = {value}" for name, value in columns.items())
    await execute(
        chat,
        f"UPDATE sessions SET last_message_at = :at{sets} WHERE id = :id",
        at=utc_now() - timedelta(days=days),
        id=session.id,
    )
    return title


async def left_of(chat: Chat, caller: Caller) -> set[str]:
    rows = await execute(
        chat, "SELECT title FROM sessions WHERE user_id = :user_id", user_id=caller.user_id
    )
    return {row.title for row in rows}


async def keep(chat: Chat, *whose: tuple[Caller, int | None]) -> None:
    """What these users have set, from now on."""
    (row,) = await execute(chat, "SELECT change FROM user_settings_cursor")
    told = [
        SettingsChange(number, one.user_id, one.tenant_id, "", None, False, days)
        for number, (one, days) in enumerate(whose, row.change + 1)
    ]
    async with chat.worker.transaction() as connection:
        await take_changes(connection, told)


async def test_the_shortest_counts_of_what_operator_tenant_and_user_say(
    chat: Chat, caller: Caller, stranger: Caller, signer: Signer
) -> None:
    elsewhere = signer.caller()
    for one in (caller, stranger, elsewhere):
        for days in (4, 6, 9, 11, 19, 21):
            await make(chat, one, days)
    await keep(chat, (caller, 5), (elsewhere, 30))
    retention = Retention(30 * DAY, DAY, everything=20 * DAY, tenants={caller.tenant_id: 10})
    await purge_of(chat, retention).purge()
    # By the user's own, by the tenant's, and by the operator's.
    assert await left_of(chat, caller) == {"4"}
    assert await left_of(chat, stranger) == {"4", "6", "9"}
    assert await left_of(chat, elsewhere) == {"4", "6", "9", "11", "19"}


async def test_what_is_said_of_a_tenant_alone_counts_where_no_user_says_anything(
    chat: Chat, caller: Caller
) -> None:
    for days in (9, 11):
        await make(chat, caller, days)
    await purge_of(chat, Retention(30 * DAY, DAY, tenants={caller.tenant_id: 10})).purge()
    assert await left_of(chat, caller) == {"9"}


async def test_a_user_who_keeps_more_than_the_others_allow_keeps_what_they_allow(
    chat: Chat, caller: Caller
) -> None:
    for days in (9, 11):
        await make(chat, caller, days)
    await keep(chat, (caller, 365))
    await purge_of(chat, Retention(30 * DAY, DAY, tenants={caller.tenant_id: 10})).purge()
    assert await left_of(chat, caller) == {"9"}


async def test_what_is_pinned_stays_and_what_is_filed_otherwise_goes(
    chat: Chat, caller: Caller
) -> None:
    pinned = await make(chat, caller, 100, pinned=True)
    await make(chat, caller, 100)
    await keep(chat, (caller, 1))
    await execute(chat, "UPDATE sessions SET archived_at = now() WHERE NOT pinned")
    await purge_of(chat, FOR_EVER).purge()
    assert await left_of(chat, caller) == {pinned}


async def test_what_is_locked_at_the_first_look_is_looked_at_again(
    chat: Chat, caller: Caller
) -> None:
    await make(chat, caller, 100)
    keeps = await make(chat, caller, 1)
    with psycopg.connect(chat.urls.admin) as indexing:
        indexing.execute("SELECT FROM sessions WHERE user_id = %s FOR UPDATE", [caller.user_id])

        async def end_it(_: float) -> None:
            indexing.rollback()

        retention = Retention(deleted=30 * DAY, temporary=DAY, everything=30 * DAY)
        await Purge(chat.worker, forget, lambda: retention, rest=end_it)._mark_old(utc_now())
    rows = await execute(
        chat,
        "SELECT title FROM sessions WHERE user_id = :user_id AND NOT purging",
        user_id=caller.user_id,
    )
    assert {row.title for row in rows} == {keeps}


async def test_without_anything_said_all_is_kept_and_nothing_is_looked_for(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await make(chat, caller, 10_000)
    await keep(chat, (caller, None))
    purge = purge_of(chat, FOR_EVER)

    async def never(now: object) -> None:
        raise AssertionError(now)

    monkeypatch.setattr(purge, "_mark_old", never)
    await purge.purge()
    assert await left_of(chat, caller) == {old}


async def test_what_was_taken_back_counts_no_more(chat: Chat, caller: Caller) -> None:
    old = await make(chat, caller, 100)
    await keep(chat, (caller, 1))
    await keep(chat, (caller, None))
    await purge_of(chat, FOR_EVER).purge()
    assert await left_of(chat, caller) == {old}


async def test_while_it_is_not_known_what_users_want_nothing_is_too_old(
    chat: Chat, caller: Caller
) -> None:
    old = await make(chat, caller, 100)
    await keep(chat, (caller, 1))
    known = False
    purge = purge_of(chat, Retention(30 * DAY, DAY, everything=5 * DAY), knows_users=lambda: known)
    await purge.purge()
    assert await left_of(chat, caller) == {old}
    # It is not put off for an hour, either.
    known = True
    await purge.purge()
    assert await left_of(chat, caller) == set()


async def test_a_user_of_the_same_id_in_another_tenant_has_said_nothing(
    chat: Chat, caller: Caller
) -> None:
    old = await make(chat, caller, 100)
    await keep(chat, (caller, 1))
    await execute(chat, "UPDATE user_settings SET tenant_id = :other", other=new_id())
    await purge_of(chat, FOR_EVER).purge()
    assert await left_of(chat, caller) == {old}


async def test_the_purge_goes_by_what_the_service_was_told_of_a_user(
    client: Client, preferences: Preferences, caller: Caller, settings: Settings
) -> None:
    kept = (await client.ask("Do you like tea?"))[0].session_id
    gone = (await client.ask("Do you like tea?"))[0].session_id

    worker = Database(settings.worker_database_url.get_secret_value(), application_name="test")
    async with worker.transaction() as connection:
        await connection.execute(
            text("UPDATE sessions SET last_message_at = :at WHERE id = :id"),
            {"at": utc_now() - 3 * DAY, "id": UUID(gone)},
        )
    preferences.set(caller, retention_days=2)
    await client.take_settings()
    follow = Purge(worker, forget, lambda: settings.retention)
    await follow.purge()

    async def listed() -> bool:
        page = await client.call("ListSessions", chat_pb2.ListSessionsRequest())
        return [session.id for session in page.items] == [kept]

    await eventually(listed)
    await worker.stop()


async def test_the_service_s_own_purge_waits_until_it_knows_what_users_want(
    chat: Chat, preferences: Preferences, caller: Caller, settings: Settings
) -> None:
    title = await make(chat, caller, 100)
    # What the copy says of the user may be out of date: who tells is away from the start on.
    await keep(chat, (caller, 1))
    preferences.set(caller, retention_days=1)
    preferences.away = True
    urls = {
        "database_url": SecretStr(chat.urls.app),
        "worker_database_url": SecretStr(chat.urls.worker),
        "owner_database_url": SecretStr(chat.urls.owner),
    }
    service = build(settings.model_copy(update=urls))
    (purge,) = (one for one in service.components if isinstance(one, Purge))
    (following,) = (one for one in service.components if isinstance(one, FollowUserSettings))
    await service.start()
    try:
        await eventually(lambda: preferences.asked)
        await purge.purge()
        assert await left_of(chat, caller) == {title}
        preferences.away = False
        await following.take()
        purge.wake()

        async def gone() -> bool:
            return not await left_of(chat, caller)

        await eventually(gone)
    finally:
        await service.stop()


TENANT = "0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70"


def with_tenants(settings: Settings, *entries: str) -> Settings:
    return Settings(
        **{
            **settings.model_dump(),
            "redis_url": SecretStr("redis://:x@127.0.0.1:1/0"),
            "retention_tenants": entries,
        }
    )


def test_the_settings_name_tenants(settings: Settings) -> None:
    other = str(new_id())
    read = with_tenants(settings, f"{TENANT}=90", f" {other} = 7")
    assert read.retention.tenants == {UUID(TENANT): 90, UUID(other): 7}
    assert settings.retention.tenants == {}


@pytest.mark.parametrize(
    "entries",
    [
        ("90",),
        (f"{TENANT}",),
        (f"{TENANT}=",),
        (f"{TENANT}=0",),
        (f"{TENANT}=36501",),
        (f"{TENANT}=1.5",),
        ("acme=90",),
        (f"{TENANT}=90", f"{TENANT.upper()}=80"),
    ],
)
def test_what_names_no_tenant_or_no_days_is_refused(
    settings: Settings, entries: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError, match="retention_tenants"):
        with_tenants(settings, *entries)
