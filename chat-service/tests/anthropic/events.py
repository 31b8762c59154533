"""Events of the Messages API, and what is read of them."""

import json
from collections.abc import Sequence
from typing import Any

from chat_service.providers.anthropic.events import Messages
from chat_service.providers.body import Body
from chat_service.providers.errors import (
    ProviderError,
)
from chat_service.providers.port import Part, Piece


def event(kind: str, *, named: bool = True, **more: Any) -> bytes:
    name = f"event: {kind}\n".encode() if named else b""
    return name + b"data: " + json.dumps({"type": kind, **more}).encode() + b"\n\n"


def delta(kind: str, **more: Any) -> bytes:
    return event("content_block_delta", index=0, delta={"type": kind, **more})


def text(said: str) -> bytes:
    return delta("text_delta", text=said)


def thinking(said: str) -> bytes:
    return delta("thinking_delta", thinking=said)


def block(kind: str, **more: Any) -> bytes:
    return event("content_block_start", index=0, content_block={"type": kind, **more})


def stopped(reason: str, usage: dict[str, Any] | None = None, **more: Any) -> bytes:
    said = {"stop_reason": reason, "stop_sequence": None, **more}
    return event("message_delta", delta=said, usage=usage or {"output_tokens": 5})


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 20,
            "cache_read_input_tokens": 100,
            "output_tokens": 1,
        },
    },
)
CLOSED = event("content_block_stop", index=0)
END = event("message_stop")
PING = event("ping")


def read(*reads: bytes, content_type: str = "text/event-stream") -> tuple[Piece, str]:
    """All that the reads bring, and the reason of the error that they end with."""
    body = Body(content_type, most_bytes=10**6, names=Messages.names)
    messages, whole = Messages(), Piece()
    problem: ProviderError | None = None
    for data in reads:
        piece, problem = messages.read(body.feed(data))
        add(whole, piece)
        if problem is not None or piece.end is not None:
            break
    else:
        piece, problem = messages.read(body.end())
        add(whole, piece)
        last, _ = messages.end(is_events=body.is_events)
        whole.parts = [*whole.parts, *last.parts]
        whole.end = whole.end or last.end
    return whole, "" if problem is None else problem.reason


def add(whole: Piece, piece: Piece) -> None:
    whole.parts = [*whole.parts, *piece.parts]
    whole.finish_reason = piece.finish_reason or whole.finish_reason
    whole.usage = piece.usage or whole.usage
    whole.end = piece.end


def joined(parts: Sequence[Part]) -> list[Part]:
    told: list[Part] = []
    for kind, said in parts:
        if told and told[-1][0] == kind:
            told[-1] = (kind, told[-1][1] + said)
        else:
            told.append((kind, said))
    return told


USUAL = (
    START
    + PING
    + block("thinking", thinking="", signature="")
    + thinking("Let me")
    + thinking(" see.")
    + delta("signature_delta", signature="abc")
    + CLOSED
    + block("redacted_thinking", data="xyz")
    + CLOSED
    + block("text", text="")
    + text("你好")
    + text(" 🙂")
    + delta("citations_delta", citation={"type": "page_location"})
    + CLOSED
    + stopped("end_turn")
    + END
)
