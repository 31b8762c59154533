"""Exports: what is in a file of each format."""

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.ids import new_id
from chat_service.exports.domain.wanted import (
    Format,
)
from chat_service.files.domain.attachment import Attachment
from chat_service.files.store.attachments import Attachments
from chat_service.personas.domain.persona import Owner, Persona, Told
from chat_service.personas.store.personas import Personas
from chat_service.plain_text.controls import drawn
from chat_service.tables import messages
from servicekit.generation_parameters import GenerationParameters

from .exported import END, ODD, SCHEMA, export, exported, make_tree

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any
PARAMETERS = GenerationParameters(temperature=0.5)
# As a file that is to be read has it.
DRAWN = ODD.replace("\x7f", "\u2421")


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


# Columns of messages that no export has, since they mean something here alone.
LEFT_OUT = {
    # Of the service's own bookkeeping.
    *("session_id", "tenant_id", "user_id", "parent_order"),
    # Of runs and connections that are nowhere else.
    *("run_id", "fallback_from"),
}


def test_no_column_of_messages_is_forgotten() -> None:
    members = set(SCHEMA["$defs"]["message"]["properties"])
    assert members - {"parent", "attachments"} == {column.name for column in messages.c} - LEFT_OUT


async def test_a_csv_has_a_row_for_each_message_and_no_formula(chat: Chat, caller: Caller) -> None:
    made = await make_tree(chat, caller)
    file, end = await export(chat, caller, Format.CSV)
    assert file.startswith("\ufeffconversation_id,")
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"), newline="")))
    assert len(rows) == end.messages == 3
    assert [row["conversation_id"] for row in rows] == [str(made.id)] * 3
    assert [row["content"] for row in rows] == ["'" + DRAWN, "'" + DRAWN * 100, "Mine."]
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
        *(
            "\u00a0=1",
            "\u3000＝1",
            "\u2009-1",
            "\v=1",
            "\n\n@x",
            "\u200f\u200e=1",
            "\u2028=1",
            "\x85=1",
        ),
        *("\u2060=1", "\u00ad=1", "\u202e=1", "\u2066=1", "\u180e=1"),
        *("﹦1", "﹢1", "﹣1", "﹫x", "−1"),
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
    assert cell in ("'" + drawn(formula), formula)
    # What begins with a quotation mark is text by itself.
    assert cell.startswith(("'", '"'))


async def test_a_markdown_file_has_the_chosen_path_to_be_read(chat: Chat, caller: Caller) -> None:
    made = await make_tree(chat, caller)
    file, end = await export(chat, caller, Format.MARKDOWN)
    assert f"# {' '.join(made.title.split())}\n" in file
    assert "## user · " in file
    assert "## assistant · model-that-answered · " in file
    assert "> Hm.\n> Hm!\n\n" in file
    assert DRAWN in file
    assert "Mine." not in file
    assert end.messages == 2


async def test_a_file_tells_a_terminal_nothing(chat: Chat, caller: Caller) -> None:
    said = "Red \x1b[31m,\tbell\x07\x9b2J \x7f\nover\rwritten\r\nه\u202bא\u202c\u00a0é"
    shown = "Red ␛[31m,\tbell␇�2J ␡\nover\nwritten\r\nه\u202bא\u202c\u00a0é"
    session = await chat.session(
        caller, "Red \x1b[31m, bell\x07\x9b2J \x7f and\r\n\u2028two lines 中文"
    )
    await chat.turn(caller, session.id, said)
    markdown, _ = await export(chat, caller, Format.MARKDOWN)
    assert "# Red [31m, bell 2J and two lines 中文\n" in markdown
    assert f"\n\n{shown}\n" in markdown
    file, _ = await export(chat, caller, Format.CSV)
    row = next(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"), newline="")))
    assert row["content"] == shown
    file, _ = await export(chat, caller, Format.JSON)
    (conversation,) = await exported(chat, caller)
    # Complete, and written so that it does nothing to a terminal either.
    assert conversation["messages"][0]["content"] == said
    for one in (markdown, file):
        assert not any(code in one for code in ("\x1b", "\x07", "\x9b"))


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
