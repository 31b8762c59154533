"""The longest texts that are legal, in the longest spelling that JSON has for them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from parley.chat.v1 import chat_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

MakeFrame = Callable[[int, str, bytes], chat_pb2.Frame]


@pytest.mark.parametrize("character", ["a", "你", "😀"])
async def test_the_longest_texts_are_taken_in_their_longest_spelling(
    door: Door, make_frame: MakeFrame, character: str
) -> None:
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    door.chat.script = [[make_frame(1, "done", b"{}")]]
    note = {"title": character * 200, "content": character * 100_000}
    question = {"content": character * 32_000, "model": character * 200}
    routes: tuple[Any, ...] = (
        ("notes", note, 201, door.notes),
        ("chat/messages", question, 200, door.chat),
    )
    for path, body, status, service in routes:
        response = await door.http.post(
            f"/api/v1/{path}",
            content=_spelt(body),
            headers={
                **door.bearer,
                "content-type": "application/json",
                "accept": "text/event-stream",
            },
        )
        assert response.status_code == status, response.text
        asked = (service.calls[-1] if path == "notes" else service.asked[-1]).request
        parameters = getattr(asked, "parameters", None)
        assert {
            name: getattr(asked if hasattr(asked, name) else parameters, name) for name in body
        } == body


def _spelt(body: dict[str, str]) -> str:
    """The body with an escape for every UTF-16 unit of its texts."""

    def escaped(text: str) -> str:
        units = text.encode("utf-16-be")
        return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

    spelt = ",".join(f'"{escaped(name)}":"{escaped(text)}"' for name, text in body.items())
    assert json.loads(f"{{{spelt}}}") == body
    return f"{{{spelt}}}"
