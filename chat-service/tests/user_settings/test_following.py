"""chat-service's copy of what users have set: it follows auth-service, whatever comes between."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client import REGISTRY

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.errors import DatabaseUnavailable
from chassis.errors import RemoteError
from chassis.ids import new_id
from chassis.testing import Signer, eventually
from chat_service.settings import Settings
from chat_service.user_settings.domain.settings import Changes, SettingsChange
from chat_service.user_settings.store.copy import forget_user_settings, take_changes
from chat_service.user_settings.store.following import FollowUserSettings
from parley.chat.v1 import chat_pb2
from servicekit.erasure import Erasing

# `Chat`, `Client` and `Preferences` of conftest.py, which a test module has no name for.
Chat = Any
Client = Any
Preferences = Any


def change(number: int, caller: Caller, **fields: Any) -> SettingsChange:
    told: dict[str, Any] = {
        "instructions": "",
        "default_persona": None,
        "titles_by_model": False,
        "retention_days": None,
    }
    return SettingsChange(number, caller.user_id, caller.tenant_id, **{**told, **fields})


class Told:
    """The port to auth-service, by what it has committed, a page of two at a time."""

    def __init__(self, *changes: SettingsChange) -> None:
        self.changes = list(changes)
        self.newest = max((one.number for one in changes), default=0)
        self.asked: list[int] = []
        self.away = False

    def add(self, one: SettingsChange) -> None:
        self.changes = [old for old in self.changes if old.user_id != one.user_id] + [one]
        self.newest = max(self.newest, one.number)

    async def __call__(self, after: int) -> Changes:
        self.asked.append(after)
        if self.away:
            raise DatabaseUnavailable
        behind = sorted((one for one in self.changes if one.number > after), key=_number)
        return Changes(tuple(behind[:2]), self.newest, is_last=len(behind) < 2)


def _number(one: SettingsChange) -> int:
    return one.number


async def copied(chat: Chat) -> dict[UUID, tuple[str, str | None, bool, int | None]]:
    async with await psycopg.AsyncConnection.connect(chat.urls.worker) as connection:
        rows = await connection.execute(
            "SELECT user_id, instructions, default_persona_folded, titles_by_model, retention_days"
            " FROM user_settings"
        )
        return {row[0]: row[1:] for row in await rows.fetchall()}


async def test_of_who_is_just_being_erased_nothing_is_copied(chat: Chat, caller: Caller) -> None:
    await chat.session(caller)
    follow = FollowUserSettings(chat.worker, Told(change(1, caller, instructions="in verse")))
    async with chat.erasing(caller).transaction():
        taking = asyncio.create_task(follow.take())
        await chat.somebody_waits()
    await taking
    assert await copied(chat) == {}


async def test_an_erasure_waits_for_what_is_just_being_copied(chat: Chat, caller: Caller) -> None:
    await chat.session(caller)

    async def erase() -> None:
        async with chat.erasing(caller).transaction():
            pass
        await forget_user_settings(chat.erasing(caller))

    async with chat.worker.transaction() as connection:
        await take_changes(connection, [change(1, caller, instructions="in verse")])
        erasing = asyncio.create_task(erase())
        await chat.somebody_waits()
    await erasing
    assert await copied(chat) == {}


async def test_what_was_set_before_and_is_set_later_is_taken_page_by_page(
    chat: Chat, signer: Signer
) -> None:
    users = [signer.caller() for _ in range(5)]
    told = Told(*(change(at + 1, one, retention_days=at + 1) for at, one in enumerate(users)))
    follow = FollowUserSettings(chat.worker, told)
    fresh = [follow.is_fresh]
    await follow.take()
    fresh.append(follow.is_fresh)
    assert fresh == [False, True]
    assert told.asked == [0, 2, 4]
    assert await copied(chat) == {
        one.user_id: ("", None, False, at + 1) for at, one in enumerate(users)
    }
    told.add(
        change(6, users[0], instructions="Be brief.", default_persona="MUSE", titles_by_model=True)
    )
    await follow.take()
    assert told.asked[3:] == [5]
    assert (await copied(chat))[users[0].user_id] == ("Be brief.", "muse", True, None)
    # One that begins later goes on where it was.
    afterwards = Told()
    afterwards.newest = 6
    await FollowUserSettings(chat.worker, afterwards).take()
    assert afterwards.asked == [6]


async def test_of_two_replicas_the_one_that_is_behind_takes_nothing_back(
    chat: Chat, caller: Caller
) -> None:
    old, new = Told(change(1, caller, retention_days=1)), Told(change(2, caller, retention_days=2))
    behind = FollowUserSettings(chat.worker, old)
    await FollowUserSettings(chat.worker, new).take()
    # It had asked before.
    behind._cursor = 0
    old.newest = 2
    await behind.take()
    assert await copied(chat) == {caller.user_id: ("", None, False, 2)}
    again = Told()
    again.newest = 2
    await FollowUserSettings(chat.worker, again).take()
    assert again.asked == [2]


async def test_a_database_of_auth_service_that_was_put_back_is_read_anew(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    told = Told(change(7, caller, retention_days=7), change(8, stranger, instructions="x"))
    follow = FollowUserSettings(chat.worker, told)
    await follow.take()
    restored = Told(change(3, caller, retention_days=3))
    follow._list_changes = restored
    await follow.take()
    assert restored.asked == [8, 0]
    # Nothing is kept of whom it tells of no longer.
    assert await copied(chat) == {caller.user_id: ("", None, False, 3)}
    restored.changes, restored.newest = [], 1
    await follow.take()
    assert await copied(chat) == {}


async def test_a_reading_anew_that_breaks_off_forgets_nobody_before_another_has_ended_it(
    chat: Chat, signer: Signer
) -> None:
    *known, gone = [signer.caller() for _ in range(4)]
    told = Told(*(change(at + 6, one, retention_days=1) for at, one in enumerate([*known, gone])))
    follow, behind = (FollowUserSettings(chat.worker, told) for _ in range(2))
    await follow.take()
    await behind.take()
    restored = Told(*(change(at + 1, one, retention_days=2) for at, one in enumerate(known)))

    async def breaks_off(after: int) -> Changes:
        if after == 2:
            raise DatabaseUnavailable
        return await restored(after)

    follow._list_changes = breaks_off
    with pytest.raises(DatabaseUnavailable):
        await follow.take()
    # A third was answered before it was put back: there was nothing more.
    before = Told()
    before.newest = 9
    answered_before = FollowUserSettings(chat.worker, before)
    answered_before._cursor = 9
    await answered_before.take()
    days = {one: set_by_them[3] for one, set_by_them in (await copied(chat)).items()}
    assert days == {known[0].user_id: 2, known[1].user_id: 2, known[2].user_id: 1, gone.user_id: 1}
    behind._list_changes = restored
    restored.asked.clear()
    await behind.take()
    # It goes on from where the other one was.
    assert restored.asked == [9, 2]
    days = {one: set_by_them[3] for one, set_by_them in (await copied(chat)).items()}
    assert days == {one.user_id: 2 for one in known}


async def test_nothing_is_kept_of_a_user_who_is_erased_however_late_it_is_told(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    follow = FollowUserSettings(
        chat.worker, Told(change(1, caller, instructions="mine"), change(2, stranger))
    )
    await follow.take()
    erasing: Erasing = chat.erasing(caller)
    await forget_user_settings(erasing)
    assert set(await copied(chat)) == {stranger.user_id}
    late = Told(change(3, caller, instructions="mine again"), change(4, stranger, retention_days=1))
    await FollowUserSettings(chat.worker, late).take()
    assert await copied(chat) == {stranger.user_id: ("", None, False, 1)}


async def test_an_erasure_under_way_is_waited_for(chat: Chat, caller: Caller) -> None:
    # The pool of the test's own has no third connection.
    worker = Database(chat.urls.worker, application_name="test following")
    follow = FollowUserSettings(worker, Told(change(1, caller, instructions="mine")))
    async with chat.erasing(caller).transaction():
        taking = asyncio.create_task(follow.take())
        await chat.somebody_waits()
        assert not taking.done()
    await taking
    await worker.stop()
    assert await copied(chat) == {}


async def test_a_user_of_another_tenant_than_was_known_is_not_believed(
    chat: Chat, caller: Caller
) -> None:
    await chat.session(caller)
    elsewhere = SettingsChange(1, caller.user_id, new_id(), "x", None, False, None)
    await FollowUserSettings(chat.worker, Told(elsewhere)).take()
    assert await copied(chat) == {}


async def test_who_waits_for_a_look_gets_one_that_began_later_and_all_who_wait_the_same(
    chat: Chat, caller: Caller
) -> None:
    told = Told(change(1, caller, retention_days=1))
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(after: int) -> Changes:
        changes = await told(after)
        entered.set()
        await go_on.wait()
        return changes

    follow = FollowUserSettings(chat.worker, slowly)
    first = asyncio.create_task(follow.take())
    await entered.wait()
    told.add(change(2, caller, retention_days=2))
    waiting = [asyncio.create_task(follow.take()) for _ in range(10)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *waiting)
    assert await copied(chat) == {caller.user_id: ("", None, False, 2)}
    assert told.asked == [0, 1]


async def test_while_auth_service_is_away_the_copy_stays_and_ages(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(change(1, caller, retention_days=1))
    follow = FollowUserSettings(chat.worker, told)
    await follow.take()
    told.away = True
    failed = {"outcome": "failed"}
    before = REGISTRY.get_sample_value("chat_user_settings_looks_total", failed) or 0
    with pytest.raises(DatabaseUnavailable):
        await follow.take()
    assert REGISTRY.get_sample_value("chat_user_settings_looks_total", failed) == before + 1
    assert await copied(chat) == {caller.user_id: ("", None, False, 1)}
    assert follow.is_fresh
    monkeypatch.setattr(follow, "_fresh_until", asyncio.get_running_loop().time())
    assert not follow.is_fresh


async def test_what_a_user_sets_holds_at_every_replica_as_soon_as_the_gateway_has_said_so(
    client: Client,
    client_elsewhere: Client,
    preferences: Preferences,
    caller: Caller,
    settings: Settings,
) -> None:
    preferences.set(caller, instructions="Answer in one word.")
    await client.take_settings()
    for one in (client, client_elsewhere):
        accepted, _ = await one.ask("Well?")
        given = await one.call("GetContext", _context_of(accepted))
        assert given.parts[0].characters == len("Answer in one word.")


async def test_what_is_set_is_taken_without_the_gateway_too(
    client: Client, preferences: Preferences, caller: Caller, settings: Settings
) -> None:
    preferences.set(caller, retention_days=4)
    assert settings.worker_database_url is not None
    url = settings.worker_database_url.get_secret_value().replace("+psycopg", "")

    def days() -> list[tuple[int]]:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT retention_days FROM user_settings").fetchall()

    async def taken() -> bool:
        return days() == [(4,)]

    await eventually(taken, timeout=30)


async def test_a_turn_asks_auth_service_nothing_and_fails_with_it_in_nothing(
    client: Client, preferences: Preferences, caller: Caller
) -> None:
    preferences.set(caller, instructions="Answer in one word.")
    await client.take_settings()
    preferences.away = True
    with pytest.raises(RemoteError) as refused:
        await client.take_settings()
    assert refused.value.reason == "DATABASE_UNAVAILABLE"
    accepted, frames = await client.ask("Well?")
    assert frames[-1].event == "done"
    given = await client.call("GetContext", _context_of(accepted))
    assert given.parts[0].characters == len("Answer in one word.")


def _context_of(accepted: Any) -> Any:

    return chat_pb2.GetContextRequest(session_id=accepted.session_id, message_id=accepted.answer_id)
