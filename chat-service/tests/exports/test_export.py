"""Exports: what is in a file of each format, of whose conversations, and however it is read in pages."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import text

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.errors import DatabaseBusy
from chassis.ids import new_id
from chat_service.answer.domain.ending import Adapted, Ending, Fallback, RunStatus, Usage
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.session import SessionChange
from chat_service.conversations.usecases.sessions import create_session, update_session
from chat_service.conversations.usecases.tree import choose_message, edit_answer
from chat_service.exports.domain.wanted import (
    Begin,
    End,
    Files,
    Format,
    TooManyExports,
    Wanted,
)
from chat_service.exports.store import pages
from chat_service.exports.store.encodings import columns_left_out
from chat_service.exports.usecases import export as usecase
from chat_service.exports.usecases.export import Exporting
from chat_service.files.domain.attachment import Attachment
from chat_service.files.store.attachments import Attachments
from chat_service.personas.domain.persona import Owner, Persona, Told
from chat_service.personas.store.personas import Personas
from chat_service.tables import messages
from servicekit.generation_parameters import GenerationParameters

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/export.schema.json").read_bytes())
END = '"end":{"conversations":0,"messages":0,"since":"","sha256":"' + "0" * 64 + '"}}'
PARAMETERS = GenerationParameters(temperature=0.5)
ODD = '="1+1"\r\n, "quoted"; 家\u2028🔑 \\u0000 \ttab\x7f'


async def export(chat: Chat, caller: Caller, of: Format, **wanted: Any) -> tuple[str, End]:
    """The file but for its last line, and how it ended."""
    pieces: list[bytes] = []
    begin, end = None, None
    exporting = Exporting(chat.open_transaction)
    async with aclosing(exporting.export(caller, Wanted(of, **wanted))) as file:
        async for piece in file:
            if isinstance(piece, Begin):
                assert begin is None
                assert pieces == []
                begin = piece
            elif isinstance(piece, End):
                end = piece
            else:
                assert not isinstance(piece, Files)
                pieces.append(piece)
    assert end is not None
    assert begin == Begin(end.since)
    assert max(map(len, pieces), default=0) <= 256 * 1024
    return b"".join(pieces).decode(), end


async def exported(chat: Chat, caller: Caller, **wanted: Any) -> list[dict[str, Any]]:
    """The conversations of a file that fits its schema."""
    file, end = await export(chat, caller, Format.JSON, **wanted)
    document = json.loads(file + END)
    Draft202012Validator(SCHEMA).validate(document)
    found: list[dict[str, Any]] = document["conversations"]
    assert end.conversations == len(found)
    assert end.messages == sum(len(one["messages"]) for one in found)
    return found


async def titles(chat: Chat, caller: Caller, **wanted: Any) -> list[str]:
    return [one["title"] for one in await exported(chat, caller, **wanted)]


async def make_tree(chat: Chat, caller: Caller) -> Any:
    """A conversation that has something of everything."""
    made = await create_session(
        chat.open_transaction,
        chat.resolve_key,
        caller,
        title=ODD.replace("\r\n", " ").replace("\t", " ").replace("\x7f", "").replace("\u2028", ""),
        key_id=None,
        model="model-of-the-session",
        instructions="Be brief.",
        folder="work",
    )
    run = (await chat.accept(caller, made.id, ODD)).run
    ending = Ending(
        status=RunStatus.INTERRUPTED,
        reason="PROVIDER_FAILED",
        finish_reason="length",
        text=ODD * 100,
        reasoning="Hm.\nHm!",
        usage=Usage(3, 2, 1, 1),
        last_seq=5,
        fallbacks=(
            Fallback(new_id(), "RATE_LIMITED", new_id(), "openai", "model-that-answered", False),
        ),
        adapted=(Adapted("temperature", "1"), Adapted("top_p", None)),
    )
    assert await chat.finish(run, ending)
    answer = (await chat.messages(caller, made.id))[-1]
    await edit_answer(chat.open_transaction, caller, made.id, answer.id, "Mine.")
    await choose_message(chat.open_transaction, caller, made.id, answer.id)
    return made


async def test_a_json_file_has_all_of_a_tree_as_its_schema_says(chat: Chat, caller: Caller) -> None:
    made = await make_tree(chat, caller)
    shown = {one.order: one for one in await chat.messages(caller, made.id)}
    (conversation,) = await exported(chat, caller)
    said = {name: conversation[name] for name in ("title", "model", "instructions", "folder")}
    assert said == {
        "title": made.title,
        "model": "model-of-the-session",
        "instructions": "Be brief.",
        "folder": "work",
    }
    question, answer, mine = conversation["messages"]
    assert [one["order"] for one in (question, answer, mine)] == [1, 2, 3]
    assert [one["parent"] for one in (question, answer, mine)] == [None, 1, 1]
    assert [one["chosen"] for one in (question, answer, mine)] == [True, True, False]
    assert question["content"] == ODD
    assert mine == {
        **dict.fromkeys(mine),
        **{name: mine[name] for name in ("id", "created_at")},
        "order": 3,
        "parent": 1,
        "chosen": False,
        "role": "assistant",
        "content": "Mine.",
        "attachments": [],
    }
    assert answer["content"] == shown[2].content == ODD * 100
    # PostgreSQL leaves out zeros at the end of a second's fraction.
    assert datetime.fromisoformat(answer["created_at"]) == shown[2].created_at
    del answer["id"], answer["created_at"], answer["content"], answer["parameters"]
    assert answer == {
        "order": 2,
        "parent": 1,
        "chosen": True,
        "role": "assistant",
        "reasoning": "Hm.\nHm!",
        "status": "interrupted",
        "reason": "PROVIDER_FAILED",
        "finish_reason": "length",
        "provider": "openai",
        "model": "model-that-answered",
        "adapted": [{"parameter": "temperature", "use": "1"}, {"parameter": "top_p", "use": None}],
        "fallback_reason": "RATE_LIMITED",
        "prompt_tokens": 3,
        "completion_tokens": 2,
        "cached_tokens": 1,
        "reasoning_tokens": 1,
        "cache": None,
        "attachments": [],
    }


def test_no_column_of_messages_is_forgotten() -> None:
    members = set(SCHEMA["$defs"]["message"]["properties"])
    assert members - {"parent", "attachments"} == {column.name for column in messages.c} - set(
        columns_left_out()
    )


async def test_a_csv_has_a_row_for_each_message_and_no_formula(chat: Chat, caller: Caller) -> None:
    made = await make_tree(chat, caller)
    file, end = await export(chat, caller, Format.CSV)
    assert file.startswith("\ufeffconversation_id,")
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"), newline="")))
    assert len(rows) == end.messages == 3
    assert [row["conversation_id"] for row in rows] == [str(made.id)] * 3
    assert [row["content"] for row in rows] == ["'" + ODD, "'" + ODD * 100, "Mine."]
    assert [row["conversation"] for row in rows] == ["'" + made.title] * 3
    assert [(row["order"], row["parent"], row["chosen"]) for row in rows] == [
        ("1", "", "true"),
        ("2", "1", "true"),
        ("3", "1", "false"),
    ]
    assert rows[1]["reasoning"] == "Hm.\nHm!"
    assert rows[0]["status"] == rows[0]["model"] == rows[0]["prompt_tokens"] == ""


async def test_a_csv_is_taken_for_what_it_is_by_a_program_that_guesses(
    chat: Chat, caller: Caller
) -> None:
    session = await chat.session(caller, "Semicolons; and, commas")
    for turn in range(5):
        await chat.turn(caller, session.id, f'one; "two"\tthree, {turn}\nfour|five')
    file, end = await export(chat, caller, Format.CSV)
    # Its mark says how it is encoded, and is no part of the first column's name.
    text_ = file.encode().decode("utf-8-sig")
    found = csv.Sniffer().sniff(text_)
    assert (found.delimiter, found.quotechar) == (",", '"')
    rows = list(csv.DictReader(io.StringIO(text_, newline=""), delimiter=found.delimiter))
    assert len(rows) == end.messages == 10
    assert rows[0]["content"] == 'one; "two"\tthree, 0\nfour|five'
    assert rows[0]["conversation"] == "Semicolons; and, commas"


NAMES = ('=cmd|"/c" a, b.txt', "[x](javascript:alert) <b>家</b> `a` \\_.png")


async def attach(chat: Chat, caller: Caller, question: Any) -> list[dict[str, Any]]:
    """Two files, attached to a question; what a file of an export says of them."""
    files = [
        Attachment(new_id(), name, kind, size)
        for name, kind, size in zip(NAMES, ("text", "png"), (5, 3_000_000_000), strict=True)
    ]
    async with chat.open_transaction(caller) as transaction:
        await transaction.lock_owner()
        await Attachments(transaction).attach(question.id, files)
    return [
        {"id": str(one.id), "name": one.name, "kind": one.kind, "size": one.size} for one in files
    ]


async def test_each_message_names_what_is_attached_to_it(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id, "one")
    await chat.turn(caller, session.id, "two")
    second = (await chat.messages(caller, session.id))[2]
    said = await attach(chat, caller, second)
    (conversation,) = await exported(chat, caller)
    assert [one["attachments"] for one in conversation["messages"]] == [[], [], said, []]
    file, _ = await export(chat, caller, Format.JSON)
    # One message a line, whatever is attached to it.
    assert len(file.splitlines()) == 8
    file, _ = await export(chat, caller, Format.CSV)
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"), newline="")))
    assert [row["attachments"] for row in rows] == [
        "",
        "",
        "\n".join(f"{one['id']} {one['kind']} {one['size']} {one['name']}" for one in said),
        "",
    ]
    file, _ = await export(chat, caller, Format.MARKDOWN)
    first, other = (one["id"] for one in said)
    assert (
        f'\n\n- =cmd\\|"/c" a, b.txt · text · 5 bytes · {first}\n'
        "- \\[x\\]\\(javascript:alert\\) \\<b\\>家\\</b\\> \\`a\\` \\\\\\_.png · png · 3000000000 bytes"
        f" · {other}\n\ntwo\n"
    ) in file
    assert file.count("bytes · ") == 2


@pytest.mark.parametrize(
    "formula",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", " =1", "\u200b=1", "\ufeff=1", "|x"),
        *("%0A", "＝1+1", "＋1", "－1", "＠x", '"=1"\n=1', '=HYPERLINK("http://x","y")'),
    ],
)
async def test_what_a_spreadsheet_would_compute_is_text(
    chat: Chat, caller: Caller, formula: str
) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id, formula)
    file, _ = await export(chat, caller, Format.CSV)
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"), newline="")))
    cell = rows[0]["content"]
    assert cell in ("'" + formula, formula)
    # What begins with a quotation mark is text by itself.
    assert cell.startswith(("'", '"'))


async def test_a_markdown_file_has_the_chosen_path_to_be_read(chat: Chat, caller: Caller) -> None:
    made = await make_tree(chat, caller)
    file, end = await export(chat, caller, Format.MARKDOWN)
    assert f"# {' '.join(made.title.split())}\n" in file
    assert "## user · " in file
    assert "## assistant · model-that-answered · " in file
    assert "> Hm.\n> Hm!\n\n" in file
    assert ODD in file
    assert "Mine." not in file
    assert end.messages == 2


async def test_of_all_nothing_is_exported_that_is_deleted_temporary_or_someone_elses(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    make = chat.open_transaction, chat.resolve_key, caller
    await create_session(*make, title="kept", key_id=None, model=None)
    archived = await create_session(*make, title="archived", key_id=None, model=None)
    await update_session(*make, archived.id, SessionChange(archived=True))
    temporary = await create_session(
        *make, title="temporary", key_id=None, model=None, temporary=True
    )
    deleted = await create_session(*make, title="deleted", key_id=None, model=None)
    async with chat.worker.transaction() as connection:
        await connection.execute(
            text("UPDATE sessions SET deleted_at = now() WHERE id = :id"), {"id": deleted.id}
        )
    theirs = await chat.session(stranger, "theirs")
    assert await titles(chat, caller) == ["kept", "archived"]
    # By itself it is.
    assert await titles(chat, caller, session_id=temporary.id) == ["temporary"]
    for absent in (theirs.id, deleted.id, new_id()):
        for of in Format:
            with pytest.raises(SessionNotFound):
                await export(chat, caller, of, session_id=absent)


async def test_what_was_active_or_has_changed_within_a_time_is_exported(
    chat: Chat, caller: Caller
) -> None:
    now = utc_now()
    made = {}
    for days in (30, 20, 10):
        session = made[days] = await chat.session(caller, f"{days} days")
        async with chat.worker.transaction() as connection:
            await connection.execute(
                text(
                    "UPDATE sessions SET created_at = :at, last_message_at = :at,"
                    " updated_at = :at WHERE id = :id"
                ),
                {"id": session.id, "at": now - timedelta(days=days)},
            )
    past = {days: now - timedelta(days=days) for days in made}
    assert await titles(chat, caller, active_from=past[20]) == ["20 days", "10 days"]
    assert await titles(chat, caller, active_before=past[20]) == ["30 days"]
    assert await titles(chat, caller, active_from=past[20], active_before=past[10]) == ["20 days"]
    assert await titles(chat, caller, since=past[10]) == ["10 days"]
    assert await titles(chat, caller, after=made[30].id) == ["20 days", "10 days"]
    # What an export's end tells is where the next one begins: what changes from then on.
    _, end = await export(chat, caller, Format.JSON)
    assert await titles(chat, caller, since=end.since) == []
    await chat.turn(caller, made[30].id)
    assert await titles(chat, caller, since=end.since) == ["30 days"]


async def test_what_changes_while_a_cut_off_export_goes_on_is_in_the_next_one(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usecase, "_LOOK_BACK", timedelta(0))
    first, second = await chat.session(caller, "first"), await chat.session(caller, "second")
    file = Exporting(chat.open_transaction).export(caller, Wanted(Format.JSON))
    begin = await anext(file)
    assert isinstance(begin, Begin)
    await file.aclose()
    # It had come whole, and changes before the rest is fetched.
    await chat.turn(caller, first.id)
    _, end = await export(chat, caller, Format.JSON, after=first.id, began=begin.since)
    assert (end.conversations, end.since) == (1, begin.since)
    assert await titles(chat, caller, since=end.since) == ["first"]
    # Who has not kept where the first one began gets everything of before once more.
    for since in (None, begin.since):
        _, end = await export(chat, caller, Format.JSON, after=second.id, since=since)
        assert end.since == since


async def test_a_busy_moment_ends_no_export(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usecase, "_PAUSES", (0, 0))
    session = await chat.session(caller)
    await chat.turn(caller, session.id)
    whole, _ = await export(chat, caller, Format.JSON)
    read, busy = pages.Pages.read, 2

    async def read_when_quiet(self: Any, *asked: Any, **named: Any) -> Any:
        nonlocal busy
        busy -= 1
        if busy >= 0:
            raise DatabaseBusy()
        return await read(self, *asked, **named)

    monkeypatch.setattr(pages.Pages, "read", read_when_quiet)
    assert (await export(chat, caller, Format.JSON))[0] == whole
    busy = 3
    with pytest.raises(DatabaseBusy):
        await export(chat, caller, Format.JSON)


@pytest.mark.parametrize("of", Format)
@pytest.mark.parametrize(("messages_", "bytes_", "named"), [(1, 1, 1), (3, 10_000, 2), (2, 200, 3)])
async def test_however_a_file_is_read_in_pages_it_is_the_same(
    chat: Chat,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    of: Format,
    messages_: int,
    bytes_: int,
    named: int,
) -> None:
    for turns in (0, 1, 4, 0, 2):
        session = await chat.session(caller)
        for turn in range(turns):
            await chat.turn(caller, session.id, f"question {turn} " + "x" * 60 * turn)
    await make_tree(chat, caller)
    whole, end = await export(chat, caller, of)
    monkeypatch.setattr(pages, "_MOST_MESSAGES", messages_)
    monkeypatch.setattr(pages, "_MOST_BYTES", bytes_)
    monkeypatch.setattr(pages, "_NAMED", named)
    in_pages, end_of_pages = await export(chat, caller, of)
    assert in_pages == whole
    assert (end_of_pages.conversations, end_of_pages.messages) == (end.conversations, end.messages)
    assert end.conversations == 6


async def test_what_goes_meanwhile_is_left_out_and_the_rest_is_whole(
    chat: Chat, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [await chat.session(caller, str(number)) for number in range(3)]
    for session in made:
        await chat.turn(caller, session.id)
    read = pages.Pages.read

    async def read_later(self: Any, *asked: Any, **named: Any) -> Any:
        async with chat.worker.transaction() as connection:
            await connection.execute(
                text("DELETE FROM sessions WHERE id = :id"), {"id": made[1].id}
            )
        return await read(self, *asked, **named)

    monkeypatch.setattr(pages.Pages, "read", read_later)
    assert await titles(chat, caller) == ["0", "2"]


async def test_exports_leave_connections_to_turns(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    for whose in (caller, stranger):
        for _ in range(3):
            await chat.turn(whose, (await chat.session(whose)).id)
    held = most = 0

    @asynccontextmanager
    async def counted(whose: Any) -> AsyncIterator[Any]:
        nonlocal held, most
        async with chat.open_transaction(whose) as transaction:
            held += 1
            most = max(most, held)
            try:
                yield transaction
            finally:
                held -= 1

    exporting = Exporting(counted)

    async def read(whose: Caller) -> None:
        async with aclosing(exporting.export(whose, Wanted(Format.JSON))) as file:
            async for _ in file:
                continue

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            for whose in (caller, stranger):
                group.create_task(read(whose))
    # Eight exports, with two pages each.
    assert most == usecase._MOST_CONNECTIONS == 4


async def test_a_user_has_four_exports_at_once_and_those_that_are_left_count_no_more(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await chat.session(caller)
    exporting = Exporting(chat.open_transaction)

    def begin(whose: Caller) -> Any:
        return exporting.export(whose, Wanted(Format.JSON))

    files = [begin(caller) for _ in range(4)]
    for file in files:
        assert await anext(file)
    with pytest.raises(TooManyExports):
        await anext(begin(caller))
    other = begin(stranger)
    assert await anext(other)
    await other.aclose()
    await files[0].aclose()
    again = begin(caller)
    assert await anext(again)
    for file in (*files[1:], again):
        await file.aclose()
    assert exporting._under_way == {}


async def test_no_connection_is_held_while_nobody_reads(chat: Chat, caller: Caller) -> None:
    session = await chat.session(caller)
    await chat.turn(caller, session.id)
    exporting = Exporting(chat.open_transaction)
    file = exporting.export(caller, Wanted(Format.JSON))
    assert await anext(file)
    await asyncio.sleep(0)
    idle = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
    )
    async with chat.worker.transaction() as connection:
        assert await connection.scalar(idle) == 0
    await file.aclose()


async def test_own_personas_come_behind_the_conversations(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    for whose, name in ((caller, "mine"), (stranger, "theirs")):
        async with chat.open_transaction(whose) as transaction:
            told = Told(name, "A title", "", "You are.", "a-model", PARAMETERS, ("Begin?",))
            made = Persona(told, Owner.USER, utc_now(), utc_now(), new_id())
            assert await Personas(transaction).insert(made)
    file, end = await export(chat, caller, Format.JSON, personas=True)
    document = json.loads(file + END)
    Draft202012Validator(SCHEMA).validate(document)
    assert [one["name"] for one in document["personas"]] == ["mine"]
    assert end.personas == 1
