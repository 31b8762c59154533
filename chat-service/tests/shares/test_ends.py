"""Shares are taken away: by the sweep, the purge, and with their user."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from chassis.caller import Caller
from chassis.testing import limit_deletes
from chat_service.runs.domain.retention import Retention
from chat_service.runs.store.purge import Purge
from chat_service.shares.domain.share import Told
from chat_service.shares.store.erasure import delete_shares
from chat_service.shares.store.shares import Shares

# Of conftest.py, for which a test module has no name.
Sharing = Any

MANY = """
INSERT INTO share_messages (share_id, position, tenant_id, user_id, role, content, created_at)
SELECT id, 100 + number, tenant_id, user_id, 'user', 'more', now()
FROM shares CROSS JOIN generate_series(1, 1200) AS number
"""


def grow(sharing: Sharing) -> None:
    with psycopg.connect(sharing.chat.urls.admin) as admin:
        admin.execute(MANY)


async def forget(run_ids: object) -> None: ...


async def no_rest(seconds: float) -> None: ...


async def test_the_sweep_takes_what_was_taken_back_step_by_step(sharing: Sharing) -> None:
    made, kept = await sharing.share(), await sharing.share()
    grow(sharing)
    limit_deletes(sharing.chat.urls, 500, "shares", "share_messages")
    await sharing.write.delete(sharing.caller, made.share.id)
    # Its link opens nothing, though there is something left.
    assert await sharing.count("share_messages") == 2 * 1202
    await sharing.sweep()
    assert (await sharing.count("shares"), await sharing.count("share_messages")) == (1, 1202)
    assert (await sharing.open(kept.token)).title == "a title"


async def test_who_refreshes_one_that_is_being_taken_back_finds_it_gone(
    sharing: Sharing, refused: Any
) -> None:
    made = await sharing.share()
    async with sharing.chat.open_transaction(sharing.caller) as transaction:
        await transaction.lock_owner()
        assert await Shares(transaction).end(made.share.id) == made.share.session_id
        refreshing = asyncio.create_task(sharing.write.refresh(sharing.caller, made.share.id))
        await sharing.chat.somebody_waits()
    assert (await refused(refreshing))[0] == "SHARE_NOT_FOUND"
    await sharing.sweep()
    assert (await sharing.count("shares"), await sharing.count("share_messages")) == (0, 0)


async def test_what_has_expired_can_be_given_more_time_for_thirty_days(sharing: Sharing) -> None:
    await sharing.share(expires_in=60)
    for days, left in ((29, 1), (31, 0)):
        await sharing.execute(f"UPDATE shares SET expires_at = now() - interval '{days} days'")
        await sharing.sweep()
        assert (await sharing.count("shares"), await sharing.count("share_messages")) == (
            left,
            2 * left,
        )


async def test_guesses_that_matter_no_more_are_swept_away(sharing: Sharing, refused: Any) -> None:
    made = await sharing.share(password="right")
    await refused(sharing.open(made.token, password="wrong"))
    await sharing.sweep()
    assert await sharing.count("counters") == 2
    await sharing.execute("UPDATE counters SET expires_at = now() - interval '1 second'")
    await sharing.sweep()
    assert await sharing.count("counters") == 0


@pytest.mark.parametrize("how", ["deleted", "old", "deleted for good"])
async def test_the_purge_takes_them_with_their_conversations(
    sharing: Sharing, how: str, refused: Any
) -> None:
    made, kept = await sharing.share(), await sharing.share()
    session_id: UUID = made.share.session_id
    if how == "old":
        await sharing.execute(
            "UPDATE sessions SET last_message_at = now() - interval '91 days' WHERE id = :id",
            id=session_id,
        )
    else:
        permanent = how == "deleted for good"
        await sharing.ends.delete(sharing.caller, session_id, permanent=permanent)
        await sharing.execute(
            "UPDATE sessions SET deleted_at = now() - interval '31 days' WHERE id = :id",
            id=session_id,
        )
    keeps = Retention(timedelta(days=30), timedelta(hours=24), everything=timedelta(days=90))
    await Purge(sharing.chat.worker, forget, lambda: keeps, rest=no_rest).purge()
    assert (await refused(sharing.open(made.token)))[0] == "SHARE_NOT_FOUND"
    await sharing.sweep()
    assert (await sharing.count("shares"), await sharing.count("share_messages")) == (1, 2)
    assert await sharing.listed() == [kept.share]


async def test_they_go_with_their_user_and_nobody_elses_do(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    chat = sharing.chat
    made = await sharing.share()
    grow(sharing)
    theirs = (await chat.session(stranger, title="theirs")).id
    await chat.turn(stranger, theirs)
    kept = await sharing.write.create(stranger, theirs, Told())
    limit_deletes(chat.urls, 500, "shares", "share_messages")
    await delete_shares(chat.erasing(sharing.caller))
    assert (await refused(sharing.open(made.token)))[0] == "SHARE_NOT_FOUND"
    assert (await sharing.count("shares"), await sharing.count("share_messages")) == (1, 2)
    assert (await sharing.open(kept.token)).title == "theirs"
