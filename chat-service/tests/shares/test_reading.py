"""Who is let into a share, and who is not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed
from chassis.ids import new_id
from chassis.testing import Signer, eventually
from chat_service.shares.domain.share import Audience, WantedChange, new_token
from chat_service.shares.store.guesses import Guesses
from chat_service.shares.store.reading import Reading
from chat_service.shares.usecases import open as usecase
from servicekit.argon2_passwords import HashingSlot

# Of conftest.py, for which a test module has no name.
Sharing = Any

GONE = ("SHARE_NOT_FOUND", "There is no such share.")


async def revoked(sharing: Sharing) -> str:
    made = await sharing.share()
    await sharing.write.delete(sharing.caller, made.share.id)
    token: str = made.token
    return token


async def all_revoked(sharing: Sharing) -> str:
    made = await sharing.share()
    await sharing.write.delete_all(sharing.caller)
    token: str = made.token
    return token


async def expired(sharing: Sharing) -> str:
    made = await sharing.share(expires_in=1)
    await sharing.execute("UPDATE shares SET expires_at = now() - interval '1 millisecond'")
    token: str = made.token
    return token


async def used_up(sharing: Sharing) -> str:
    made = await sharing.share(max_views=1)
    await sharing.open(made.token)
    token: str = made.token
    return token


async def for_members(sharing: Sharing) -> str:
    token: str = (await sharing.share(audience=Audience.MEMBERS)).token
    return token


async def of_a_deleted_conversation(sharing: Sharing) -> str:
    made = await sharing.share()
    await sharing.ends.delete(sharing.caller, made.share.session_id, permanent=False)
    token: str = made.token
    return token


async def of_one_deleted_for_good(sharing: Sharing) -> str:
    made = await sharing.share()
    await sharing.ends.delete(sharing.caller, made.share.session_id, permanent=True)
    token: str = made.token
    return token


async def of_all_deleted(sharing: Sharing) -> str:
    made = await sharing.share()
    await sharing.ends.delete_all(sharing.caller, permanent=False)
    token: str = made.token
    return token


async def of_a_cleared_one(sharing: Sharing) -> str:
    made = await sharing.share()
    await sharing.ends.clear(sharing.caller, made.share.session_id)
    token: str = made.token
    return token


async def of_a_deleted_message(sharing: Sharing) -> str:
    made = await sharing.share()
    session_id = made.share.session_id
    _, answer = await sharing.chat.messages(sharing.caller, session_id)
    await sharing.delete_message(sharing.caller, session_id, answer.id)
    token: str = made.token
    return token


async def unknown(sharing: Sharing) -> str:
    return new_token()


async def no_token(sharing: Sharing) -> str:
    return "../" + new_token()


@pytest.mark.parametrize(
    "made",
    [
        revoked,
        all_revoked,
        expired,
        used_up,
        for_members,
        of_a_deleted_conversation,
        of_one_deleted_for_good,
        of_all_deleted,
        of_a_cleared_one,
        of_a_deleted_message,
        unknown,
        no_token,
    ],
)
async def test_whatever_is_not_to_be_seen_is_as_if_it_had_never_been(
    sharing: Sharing,
    signer: Signer,
    refused: Any,
    made: Callable[[Sharing], Awaitable[str]],
) -> None:
    token = await made(sharing)
    elsewhere = signer.caller(user_id=new_id(), tenant_id=new_id())
    for at in (sharing.readers, sharing.elsewhere):
        assert await refused(sharing.open(token, at=at)) == GONE
        assert await refused(sharing.open(token, by=elsewhere, at=at)) == GONE
    assert await refused(sharing.fork(token, elsewhere)) == GONE


async def test_what_is_for_members_opens_to_them_alone(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    token = await for_members(sharing)
    assert (await sharing.open(token, by=stranger)).title == "a title"
    opening = (await sharing.open(token, by=stranger)).opening
    # Nor does a member's opening open it to anybody else.
    assert await refused(sharing.open(token, opening=opening)) == GONE


async def test_a_deleted_conversations_share_comes_back_with_it(
    sharing: Sharing, refused: Any
) -> None:
    made = await sharing.share()
    session_id = made.share.session_id
    await sharing.ends.delete(sharing.caller, session_id, permanent=False)
    assert await refused(sharing.open(made.token)) == GONE
    assert await sharing.listed() == []
    assert (await refused(sharing.listed(session_id)))[0] == "SESSION_NOT_FOUND"
    await sharing.ends.restore(sharing.caller, session_id)
    assert (await sharing.open(made.token)).title == "a title"
    # What was taken back does not.
    await sharing.write.delete(sharing.caller, made.share.id)
    await sharing.ends.delete(sharing.caller, session_id, permanent=False)
    await sharing.ends.restore(sharing.caller, session_id)
    assert await refused(sharing.open(made.token)) == GONE


async def test_of_fifty_at_once_at_two_replicas_as_many_are_let_in_as_may_be(
    sharing: Sharing,
) -> None:
    made = await sharing.share(max_views=7)
    opened = await asyncio.gather(
        *(
            sharing.open(made.token, at=sharing.elsewhere if number % 2 else sharing.readers)
            for number in range(50)
        ),
        return_exceptions=True,
    )
    reasons = [getattr(one, "reason", "") for one in opened]
    assert (reasons.count(""), reasons.count("SHARE_NOT_FOUND")) == (7, 43)
    assert await sharing.opens() == [7]


async def test_who_was_let_in_reads_on_for_an_hour_without_counting_again(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    session_id = await sharing.session(turns=3)
    made = await sharing.share(session_id, max_views=1, password="open sesame")
    page = await sharing.open(made.token, password="open sesame", limit=4)
    told, opening = list(page.messages), page.opening
    while page.next_cursor:
        page = await sharing.open(made.token, opening=opening, limit=4, cursor=page.next_cursor)
        told += page.messages
    assert [message.position for message in told] == [1, 2, 3, 4, 5, 6]
    assert await sharing.opens() == [1]
    forked = await sharing.fork(made.token, stranger, opening=opening)
    assert forked.message_count == 6
    assert await sharing.opens() == [1]
    # Of another share, or changed, or of before another password: it opens nothing.
    other = await sharing.share(password="open sesame", max_views=1)
    theirs = await sharing.open(other.token, password="open sesame")
    for wrong in (theirs.opening, opening[:-1] + "!", opening[1:], "", "A" * 53, "é" * 20):
        assert await refused(sharing.open(made.token, opening=wrong)) == GONE
    await sharing.write.update(sharing.caller, made.share.id, WantedChange(password="another one"))
    assert await refused(sharing.open(made.token, opening=opening)) == GONE


async def test_reading_on_makes_the_hour_no_longer(
    sharing: Sharing, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await sharing.share(max_views=1)
    first = await sharing.open(made.token)
    now = utc_now()
    monkeypatch.setattr(usecase, "utc_now", lambda: now + timedelta(minutes=59))
    again = await sharing.open(made.token, opening=first.opening)
    monkeypatch.setattr(usecase, "utc_now", lambda: now + timedelta(minutes=61))
    for opening in (first.opening, again.opening):
        assert await refused(sharing.open(made.token, opening=opening)) == GONE


async def test_who_reads_while_it_is_refreshed_sees_what_it_then_is(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = await sharing.session(turns=2)
    made = await sharing.share(session_id)
    opened = await sharing.open(made.token, limit=1)
    read, meanwhile = Reading.messages, [True, True]

    async def read_later(self: Any, *asked: Any, **named: Any) -> Any:
        if meanwhile.pop():
            await sharing.write.refresh(sharing.caller, made.share.id)
        return await read(self, *asked, **named)

    monkeypatch.setattr(Reading, "messages", read_later)
    meanwhile[:] = [False, True]
    page = await sharing.open(made.token, opening=opened.opening)
    assert [message.position for message in page.messages] == [1, 2, 3, 4]
    meanwhile[:] = [False, False]
    opened = await sharing.open(made.token, opening=opened.opening, limit=1)
    meanwhile[:] = [True]
    # The rest of it would be of something else.
    with pytest.raises(ValidationFailed) as begins_anew:
        await sharing.open(made.token, opening=opened.opening, cursor=opened.next_cursor)
    assert list(begins_anew.value.fields) == [FieldError("cursor", "INVALID")]


async def test_a_deleted_account_shares_nothing_though_it_is_not_erased_yet(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    made = await sharing.share()
    opening = (await sharing.open(made.token)).opening
    sharing.deleted.add(sharing.caller.user_id)
    for at in (sharing.readers, sharing.elsewhere):
        assert await refused(sharing.open(made.token, at=at)) == GONE
        assert await refused(sharing.open(made.token, opening=opening, at=at)) == GONE
    assert await refused(sharing.fork(made.token, stranger)) == GONE


async def test_an_opening_ends_with_what_it_opens(sharing: Sharing, refused: Any) -> None:
    made = await sharing.share()
    opening = (await sharing.open(made.token)).opening
    await sharing.write.delete(sharing.caller, made.share.id)
    assert await refused(sharing.open(made.token, opening=opening)) == GONE


async def test_its_password_is_asked_for_and_opens_it(sharing: Sharing, refused: Any) -> None:
    made = await sharing.share(password="ｏｐｅｎ 芝麻")
    assert (await refused(sharing.open(made.token)))[0] == "SHARE_PASSWORD_NEEDED"
    for wrong in ("", "open sesame", "x" * 1000, "open\x00芝麻"):
        reason, _ = await refused(sharing.open(made.token, password=wrong))
        assert reason == "SHARE_PASSWORD_WRONG"
    # However a keyboard spells it.
    assert (await sharing.open(made.token, password="open 芝麻")).title == "a title"
    assert await sharing.opens() == [1]


async def test_a_hundred_guesses_at_two_replicas_are_looked_at_ten_times(
    sharing: Sharing, refused: Any
) -> None:
    made, other = await sharing.share(password="right"), await sharing.share(password="right")
    # What was right is no guess.
    for _ in range(12):
        await sharing.open(made.token, password="right")
    guessed = await asyncio.gather(
        *(
            sharing.open(
                made.token,
                password=f"wrong {number}",
                at=sharing.elsewhere if number % 2 else sharing.readers,
                ip=f"198.51.100.{number}",
            )
            for number in range(100)
        ),
        return_exceptions=True,
    )
    reasons = [getattr(one, "reason", "") for one in guessed]
    assert (reasons.count("SHARE_PASSWORD_WRONG"), reasons.count("TOO_MANY_ATTEMPTS")) == (10, 90)
    waits = [getattr(one, "retry_after", None) for one in guessed]
    assert all(0 < wait <= 600 for wait in waits if wait is not None)
    # Nor is the right one looked at until then, while no other share is touched by it.
    assert (await refused(sharing.open(made.token, password="right")))[0] == "TOO_MANY_ATTEMPTS"
    await sharing.open(other.token, password="right")
    # Whoever was let in before does not have to wait.
    await sharing.execute("DELETE FROM counters")
    await sharing.open(made.token, password="right")


async def test_a_share_is_guessed_at_a_hundred_times_a_day_however_slowly(
    sharing: Sharing, refused: Any
) -> None:
    made = await sharing.share(password="right")

    async def guessed() -> str:
        reason: str = (await refused(sharing.open(made.token, password="wrong")))[0]
        return reason

    assert await guessed() == "SHARE_PASSWORD_WRONG"
    # As if others had been made in the course of the day.
    await sharing.execute(
        "UPDATE counters SET hits = array_fill(now() - interval '23 hours', ARRAY[98]) || hits"
        " WHERE scope = 'share_guess'"
    )
    assert await guessed() == "SHARE_PASSWORD_WRONG"
    assert await guessed() == "TOO_MANY_ATTEMPTS"


@pytest.mark.slow
async def test_an_address_guesses_a_hundred_times_whatever_it_guesses_at(
    sharing: Sharing, refused: Any
) -> None:
    made = await sharing.share(password="right")
    for number in range(100):
        # As if each were at another share.
        await sharing.execute("DELETE FROM counters WHERE scope = 'share_guess'")
        address = f"2001:db8::{number:x}"
        reason, _ = await refused(sharing.open(made.token, password="wrong", ip=address))
        assert reason == "SHARE_PASSWORD_WRONG", number
    await sharing.execute("DELETE FROM counters WHERE scope = 'share_guess'")
    again = sharing.open(made.token, password="right", ip="2001:db8::ffff")
    assert (await refused(again))[0] == "TOO_MANY_ATTEMPTS"
    await sharing.open(made.token, password="right", ip="192.0.2.7")


async def test_a_look_is_let_in_as_a_view_would_be_and_is_none(
    sharing: Sharing, refused: Any
) -> None:
    made = await sharing.share(password="right", max_views=1)
    assert (await refused(sharing.open(made.token, look=True)))[0] == "SHARE_PASSWORD_NEEDED"
    wrong = sharing.open(made.token, password="wrong", look=True)
    assert (await refused(wrong))[0] == "SHARE_PASSWORD_WRONG"
    for _ in range(2):
        # An opening that is none does not become one.
        seen = await sharing.open(made.token, password="right", opening="none", look=True)
        assert (seen.title, seen.opening == "none") == ("a title", False)
    assert await sharing.opens() == [0]
    opening = (await sharing.open(made.token, password="right")).opening
    assert await sharing.opens() == [1]
    used_up = sharing.open(made.token, password="right", look=True)
    assert await refused(used_up) == GONE
    assert (await sharing.open(made.token, opening=opening, look=True)).opening == opening


@pytest.mark.parametrize("cut", ["verify", "take_back"])
async def test_a_right_password_is_no_guess_though_its_request_is_cut(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    made = await sharing.share(password="right")
    kind = HashingSlot if cut == "verify" else Guesses
    work, reached, go_on = getattr(kind, cut), asyncio.Event(), asyncio.Event()

    async def waiting(*asked: Any) -> Any:
        reached.set()
        await go_on.wait()
        return await work(*asked)

    monkeypatch.setattr(kind, cut, waiting)
    opening = asyncio.create_task(sharing.open(made.token, password="right"))
    await reached.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    hits = "SELECT sum(cardinality(hits)) FROM counters"
    assert (await sharing.execute(hits)).scalar_one() == 2
    go_on.set()

    async def is_taken_back() -> bool:
        return bool((await sharing.execute(hits)).scalar_one() == 0)

    await eventually(is_taken_back, 30.0)
    assert await sharing.opens() == [0]


async def test_a_readers_transaction_shows_one_share_and_nothing_else(
    sharing: Sharing, caller: Caller
) -> None:
    made, other = await sharing.share(), await sharing.share()
    digest = "SELECT encode(token_hash, 'hex') FROM shares WHERE id = :id"
    token_hash = (await sharing.execute(digest, id=made.share.id)).scalar_one()
    seen = {}
    async with sharing.chat.app.transaction() as connection:
        await connection.execute(
            text("SELECT set_config('parley.share', :token_hash, true)"), {"token_hash": token_hash}
        )
        for table in ("shares", "share_messages", "sessions", "messages", "runs", "owners"):
            found = await connection.scalar(text(f"SELECT count(*) FROM {table}"))
            seen[table] = found
        changed = await connection.execute(text("UPDATE shares SET opens = 5"))
        assert changed.rowcount == 1
        deleted = await connection.execute(text("DELETE FROM share_messages"))
        assert deleted.rowcount == 0
    assert seen == {
        "shares": 1,
        "share_messages": 2,
        **dict.fromkeys(("sessions", "messages", "runs", "owners"), 0),
    }
    shown = {share.id: share.opens for share in await sharing.listed()}
    assert shown == {made.share.id: 5, other.share.id: 0}
    # The next transaction of the connection is nobody's again.
    async with sharing.chat.app.transaction() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM shares")) == 0
