"""Stretches of the index: each text is compared once, however many were written in one moment."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from chassis.caller import Caller
from chassis.paging import Position
from chat_service.search.domain.text import Wanted
from chat_service.search.store.texts import AllTexts, Wish
from servicekit.search_filters import probe_of

# Of conftest.py, for which a test module has no name.
Searching = Any
Chat = Any


@pytest.mark.parametrize("compared", [1, 3, 20])
async def test_texts_of_one_moment_are_each_compared_once(
    searching: Searching, chat: Chat, caller: Caller, compared: int
) -> None:
    session = await searching.session("")
    for number in range(5):
        # Every other one is too long for the index that filters are read from.
        words = " ".join(f"{n:04}word" for n in range(800)) if number % 2 else ""
        await searching.turn(session, f"needle {number} {words}", "something else")
    await searching.index()
    with psycopg.connect(chat.urls.admin, autocommit=True) as admin:
        changed = admin.execute(
            "UPDATE search_texts SET at = '2026-01-01 00:00+00' WHERE user_id = %s RETURNING size",
            [caller.user_id],
        ).fetchall()
    assert {size >= 15 for (size,) in changed} == {True, False}
    found: list[UUID] = []
    looked_at, after = 0, None
    texts = AllTexts(chat.app).of(caller, Wanted())
    while True:
        wish = Wish(after, compared, limit=20, most_bytes=1_000_000)
        stretch = await texts.indexed(probe_of("needle"), wish)
        found += [text.id for text in stretch.texts]
        looked_at += stretch.compared
        if stretch.end is None:
            break
        assert after is None or _place(stretch.end) < _place(after)
        after = stretch.end
    # Five questions, five answers, and the title, which is the first question.
    assert looked_at == len(changed) == 11
    assert len(found) == 6
    assert found == sorted(found, reverse=True)


def _place(position: Position) -> tuple[object, object]:
    return position.at, position.id
