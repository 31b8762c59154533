"""What is blank to PostgreSQL is blank to Python, in whatever locale a database is."""

from typing import Any

from sqlalchemy import text

from chassis.text import is_blank
from chat_service.conversations.store.messages import is_blank as is_blank_in_sql

# `Chat` of conftest.py, which a test module has no name for.
Chat = Any


async def test_of_no_character_two_opinions_are_held(chat: Chat) -> None:
    characters = [
        chr(code)
        for codes in (range(1, 0xD800), range(0xE000, 0x11000), range(0xE0000, 0xE0200))
        for code in codes
    ]
    texts = [*characters, "", " \u200b\n\u3000", "\u200ba", "a\u200b", "\u2800"]
    found = text(
        "SELECT message.content FROM unnest(CAST(:texts AS text[])) AS message (content)"
        f" WHERE {is_blank_in_sql('message')}"
    )
    async with chat.worker.transaction() as connection:
        blank = set(await connection.scalars(found, {"texts": texts}))
    assert blank == set(filter(is_blank, texts))
