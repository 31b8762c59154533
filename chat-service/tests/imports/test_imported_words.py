"""The operator's words in what is imported: masked, and none of it refused."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chat_service.settings import Settings
from chat_service.words.domain.word_filter import Action, Rule, WordFilter

from . import samples
from .jobs import reader_of, upload_to, uploads_of
from .over_the_wire import Imports, messages_of, sessions_of

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Chat = Any
Client = Any


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    path = tmp_path / "words.yaml"
    path.write_text("rules:\n  - action: mask\n    words: [hush]\n", encoding="utf-8")
    return settings.model_copy(update={"words_file": path})


async def test_a_service_masks_what_it_imports_by_the_file_that_it_has(
    client: Client, imports: Imports
) -> None:
    message = {
        "order": 1,
        "role": "user",
        "content": "a hush",
        "created_at": "2026-01-01T00:00:00Z",
    }
    told = {"id": "one", "title": "hush now", "created_at": "2026-01-01T00:00:00Z"}
    file = {"format": "parley", "conversations": [{**told, "messages": [message]}]}
    report = await imports.take(file, name="hush.json")
    assert (report.name, report.added) == ("＊＊＊＊.json", 1)
    ((title, session),) = (await sessions_of(client)).items()
    (question,) = await messages_of(client, session.id)
    assert (title, question.content) == ("＊＊＊＊ now", "a ＊＊＊＊")


async def test_words_are_masked_in_what_is_imported_and_none_of_it_is_refused(
    chat: Chat, caller: Caller
) -> None:
    await upload_to(chat, caller, samples.CHATGPT)
    await reader_of(chat, "replica-1").read_all()

    async def said() -> list[str]:
        async with chat.worker.transaction() as connection:
            found = await connection.execute(
                text("SELECT title FROM sessions UNION ALL SELECT content FROM messages")
            )
            return sorted(found.scalars())

    as_it_was = await said()
    async with chat.worker.transaction() as connection:
        await connection.execute(text("DELETE FROM imported"))
        await connection.execute(text("DELETE FROM messages"))
        await connection.execute(text("DELETE FROM sessions"))
    longest = max((word for each in as_it_was for word in each.split()), key=len)
    title = as_it_was[-1].split()[0]
    words = WordFilter([Rule(longest, Action.MASK), Rule(title, Action.REFUSE)])
    await upload_to(chat, caller, samples.CHATGPT)
    await reader_of(chat, "replica-1", in_force=lambda: words).read_all()
    masked = sorted(map(words.masked, as_it_was))
    assert await said() == masked != as_it_was


async def test_words_are_masked_in_a_report_and_in_names(chat: Chat, caller: Caller) -> None:
    words = WordFilter([Rule("badword", Action.REFUSE)])
    message = {"order": 1, "role": "user", "content": "Hi", "created_at": "2026-01-01T00:00:00Z"}
    taken = {
        "id": "one",
        "title": "A badword",
        "folder": "badword",
        "persona": "badword",
        "created_at": "2026-01-01T00:00:00Z",
        "messages": [message],
    }
    broken = {**taken, "id": "two", "messages": [{}]}
    persona: dict[str, Any] = {
        "name": "cook",
        "title": "badword cook",
        "description": "a badword",
        "prompt": "Cook.",
        "model": None,
        "parameters": None,
        "starters": [],
    }
    told = {"format": "parley", "personas": [persona], "conversations": [taken, broken]}

    async def pieces() -> AsyncIterator[bytes | int]:
        file = json.dumps(told).encode()
        yield file
        yield len(file)

    uploads = uploads_of(chat, lambda: words)
    await uploads.upload(caller, "badword.json", None, pieces(), lambda size, digest: None)
    await reader_of(chat, "replica-1", in_force=lambda: words).read_all()
    async with chat.worker.transaction() as connection:
        kept = await connection.execute(
            text(
                "SELECT row_to_json(told) FROM (SELECT * FROM imports) AS told UNION ALL "
                "SELECT row_to_json(told) FROM (SELECT * FROM sessions) AS told UNION ALL "
                "SELECT row_to_json(told) FROM (SELECT * FROM personas) AS told"
            )
        )
        rows = [json.dumps(row, ensure_ascii=False) for row in kept.scalars()]
    assert len(rows) == 3
    for row in rows:
        assert "badword" not in row
        assert "＊" * len("badword") in row
