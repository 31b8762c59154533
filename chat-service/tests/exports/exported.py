"""What tests of exports begin with: a conversation that has something of everything, and how a file is read."""

import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from chassis.caller import Caller
from chassis.ids import new_id
from chat_service.answer.domain.ending import Adapted, Ending, Fallback, RunStatus, Usage
from chat_service.conversations.usecases.tree import choose_message, edit_answer
from chat_service.exports.domain.wanted import (
    Begin,
    End,
    Files,
    Format,
    Wanted,
)
from chat_service.exports.usecases.export import Exporting

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/export.schema.json").read_bytes())
END = '"end":{"conversations":0,"messages":0,"since":"","sha256":"' + "0" * 64 + '"}}'
ODD = '="1+1"\r\n, "quoted"; 家\u2028🔑 \\u0000 \ttab\x7f'


async def export(
    chat: Chat, caller: Caller, of: Format, exporting: Exporting | None = None, **wanted: Any
) -> tuple[str, End]:
    """The file but for its last line, and how it ended; `exporting` None: by one as shipped."""
    pieces: list[bytes] = []
    begin, end = None, None
    exporting = exporting or Exporting(chat.open_transaction, chat.audit)
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
    made = await chat.session(
        caller,
        ODD.replace("\r\n", " ").replace("\t", " ").replace("\x7f", "").replace("\u2028", ""),
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
