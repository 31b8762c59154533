"""What a share shows, and how it is kept."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.owners import OwnerErased
from chassis.errors import FieldError, ValidationFailed
from chassis.idempotency import Once, RequestKey
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.mapping import decode_id, encode_id
from chat_service.conversations.usecases.sessions import update_session
from chat_service.conversations.usecases.tree import choose_message, edit_answer
from chat_service.shares.domain.share import Audience, Told, WantedChange, digest_of

# Of conftest.py, for which a test module has no name.
Sharing = Any
MOST = 5


def said(shared: Any) -> list[tuple[str, str]]:
    return [(message.role.value, message.content) for message in shared.messages]


async def test_it_shows_title_messages_models_and_times_of_the_chosen_path(
    sharing: Sharing,
) -> None:
    session_id = await sharing.session("a title", turns=2)
    question, answer, *_ = await sharing.chat.messages(sharing.caller, session_id)
    before = utc_now()
    made = await sharing.share(session_id)
    shared = await sharing.open(made.token)
    assert (shared.title, shared.message_count, shared.next_cursor) == ("a title", 4, "")
    assert abs(shared.shared_at - before) < timedelta(seconds=30)
    assert said(shared) == [
        ("user", "question 0"),
        ("assistant", "answer 0"),
        ("user", "question 1"),
        ("assistant", "answer 1"),
    ]
    first, second = shared.messages[:2]
    assert (first.model, second.model) == (None, sharing.chat.connection.model)
    assert (first.created_at, second.created_at) == (question.created_at, answer.created_at)


async def test_of_other_answers_thoughts_and_silence_it_shows_nothing(sharing: Sharing) -> None:
    session_id = await sharing.session(turns=0)
    await sharing.turn(session_id, "q", "hidden-answer", reasoning="hidden-thought")
    await sharing.turn(session_id, "then", "", status=RunStatus.FAILED, reason="BROKEN")
    _, answer, *_ = await sharing.chat.messages(sharing.caller, session_id)
    better = await edit_answer(
        sharing.chat.open_transaction, sharing.caller, session_id, answer.id, "better"
    )
    made = await sharing.share(session_id, include_reasoning=True)
    assert said(await sharing.open(made.token)) == [("user", "q"), ("assistant", "better")]
    assert "hidden" not in repr(await sharing.open(made.token))
    # Chosen again, the thought is shown where its owner says so, and nowhere else.
    await choose_message(sharing.chat.open_transaction, sharing.caller, session_id, answer.id)
    for include, thought in ((True, "hidden-thought"), (False, None)):
        made = await sharing.share(session_id, include_reasoning=include)
        messages = (await sharing.open(made.token)).messages
        assert [message.reasoning for message in messages] == [None, thought, None]
    # Nor does what it does not show take it along.
    before = said(await sharing.open(made.token))
    await sharing.delete_message(sharing.caller, session_id, better.id)
    assert said(await sharing.open(made.token)) == before
    assert ("assistant", "hidden-answer") in before


async def test_it_stays_as_it_was_until_it_is_refreshed_under_the_same_link(
    sharing: Sharing,
) -> None:
    session_id = await sharing.session(turns=2)
    made = await sharing.share(session_id)
    first = await sharing.open(made.token, limit=1)
    await sharing.turn(session_id, "later", "too")
    await update_session(
        sharing.chat.open_transaction,
        sharing.chat.resolve_key,
        sharing.caller,
        session_id,
        SessionChange(title="another"),
    )
    assert said(await sharing.open(made.token))[-1] == ("assistant", "answer 1")
    share = await sharing.write.refresh(sharing.caller, made.share.id)
    assert (share.title, share.message_count, share.opens) == ("another", 6, 2)
    assert share.created_at == made.share.created_at
    assert share.refreshed_at > made.share.refreshed_at
    shared = await sharing.open(made.token, opening=first.opening)
    assert (shared.title, said(shared)[-1]) == ("another", ("assistant", "too"))
    # A page of before would be followed by one of something else.
    with pytest.raises(ValidationFailed) as refused:
        await sharing.open(made.token, opening=first.opening, cursor=first.next_cursor)
    assert list(refused.value.fields) == [FieldError("cursor", "INVALID")]
    assert await sharing.count("share_messages") == 6


async def test_neither_its_token_nor_its_password_is_stored(sharing: Sharing) -> None:
    made = await sharing.share(password="open sesame")
    assert len(made.token) == 43
    rows = (await sharing.execute("SELECT shares::text AS row FROM shares")).all()
    (row,) = [row.row for row in rows]
    digest = digest_of(made.token)
    assert digest is not None
    assert digest.hex() in row
    assert "$argon2id$" in row
    assert made.token not in row
    assert "sesame" not in row
    assert made.token not in repr(made)
    assert "sesame" not in repr(Told(password="open sesame"))
    (told,) = sharing.log.told
    assert told[0] == "share.created"
    assert "a title" not in repr(told)


async def test_one_is_made_once_and_its_link_not_shown_again(
    sharing: Sharing, refused: Any
) -> None:
    session_id = await sharing.session()
    once = Once(RequestKey("key-1", b"same"), encode_id, decode_id)
    await sharing.write.create(sharing.caller, session_id, Told(), once=once)
    again = sharing.write.create(sharing.caller, session_id, Told(), once=once)
    assert (await refused(again))[0] == "SHARE_ALREADY_SHOWN"
    assert len(await sharing.listed()) == 1


async def test_of_many_at_once_there_are_as_many_as_may_be(sharing: Sharing, refused: Any) -> None:
    session_id = await sharing.session()
    made = await asyncio.gather(
        *(sharing.share(session_id) for _ in range(2 * MOST)), return_exceptions=True
    )
    reasons = [getattr(one, "reason", None) for one in made]
    assert (reasons.count(None), reasons.count("TOO_MANY_SHARES")) == (MOST, MOST)
    # What is taken back makes room; what is in a deleted conversation does not.
    (share, *_) = await sharing.listed()
    await sharing.write.delete(sharing.caller, share.id)
    other = await sharing.session()
    await sharing.share(other)
    await sharing.ends.delete(sharing.caller, session_id, permanent=False)
    assert (await refused(sharing.share(other)))[0] == "TOO_MANY_SHARES"


async def test_nothing_is_shared_of_what_is_not_there_or_says_nothing(
    sharing: Sharing, stranger: Caller, refused: Any
) -> None:
    empty = await sharing.session(turns=0)
    assert (await refused(sharing.share(empty)))[0] == "NOTHING_TO_SHARE"
    session_id = await sharing.session()
    theirs = sharing.write.create(stranger, session_id, Told())
    assert (await refused(theirs))[0] == "SESSION_NOT_FOUND"
    made = await sharing.share(session_id)
    for call in (
        sharing.write.refresh(stranger, made.share.id),
        sharing.write.update(stranger, made.share.id, WantedChange(max_views=1)),
        sharing.write.delete(stranger, made.share.id),
    ):
        assert (await refused(call))[0] == "SHARE_NOT_FOUND"
    await sharing.write.delete_all(stranger)
    assert await sharing.listed() == [made.share]


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"expires_in": 0}, FieldError("expires_in", "TOO_SMALL", minimum=1)),
        ({"expires_in": 10**9}, FieldError("expires_in", "TOO_LARGE", maximum=315_360_000)),
        ({"max_views": 0}, FieldError("max_views", "TOO_SMALL", minimum=1)),
        ({"max_views": 10**9}, FieldError("max_views", "TOO_LARGE", maximum=1_000_000)),
        ({"password": "abc"}, FieldError("password", "TOO_SHORT", minimum=4)),
        ({"password": "x" * 257}, FieldError("password", "TOO_LONG", maximum=256)),
        ({"password": "a\x00bcd"}, FieldError("password", "INVALID_CHARACTER")),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    sharing: Sharing, told: dict[str, Any], error: FieldError
) -> None:
    made = await sharing.share()
    for call in (
        sharing.share(made.share.session_id, **told),
        sharing.write.update(sharing.caller, made.share.id, WantedChange(**told)),
    ):
        with pytest.raises(ValidationFailed) as refused:
            await call
        assert list(refused.value.fields) == [error]
    assert await sharing.listed() == [made.share]


async def test_each_change_leaves_alone_what_it_does_not_name(sharing: Sharing) -> None:
    made = await sharing.share(expires_in=60, max_views=9, password="a password")
    change, ids = sharing.write.update, (sharing.caller, made.share.id)
    longer = await change(*ids, WantedChange(expires_in=600))
    assert longer.expires_at > made.share.expires_at + timedelta(seconds=500)
    assert (longer.max_views, longer.has_password) == (9, True)
    assert (await change(*ids, WantedChange(without_expiry=True))).expires_at is None
    assert (await change(*ids, WantedChange(without_max_views=True))).max_views is None
    assert not (await change(*ids, WantedChange(without_password=True))).has_password
    last = await change(*ids, WantedChange(audience=Audience.MEMBERS, max_views=2))
    assert (last.audience, last.max_views, last.expires_at) == (Audience.MEMBERS, 2, None)
    assert await sharing.listed() == [last]
    with pytest.raises(ValidationFailed) as refused:
        await change(*ids, WantedChange(max_views=1, without_max_views=True))
    assert list(refused.value.fields) == [FieldError("max_views", "GIVEN_AND_CLEARED")]


async def test_nothing_is_shared_for_somebody_who_is_erased(sharing: Sharing) -> None:
    made = await sharing.share()
    async with sharing.chat.worker.transaction() as connection:
        await connection.execute(text("UPDATE owners SET erased_at = now()"))
    for call in (
        sharing.share(made.share.session_id),
        sharing.write.refresh(sharing.caller, made.share.id),
        sharing.write.update(sharing.caller, made.share.id, WantedChange(max_views=1)),
    ):
        with pytest.raises(OwnerErased):
            await call
