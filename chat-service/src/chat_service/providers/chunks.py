"""Chunks of a chat completion: from messages of a body to pieces of an answer.

Of chunks that are what the protocol says nothing is decoded but what is looked at, and all those of a
read at once: a parsed object for each token costs several times what all the rest does. A batch with
anything else in it is read chunk by chunk, in whatever shape can be forgiven.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

import msgspec

from chat_service.providers import json_text
from chat_service.providers.errors import (
    ProviderError,
    ProviderGarbled,
    ProviderOverloaded,
)
from chat_service.providers.port import TEXT, THINKING, End, Kind, Part, Piece
from chat_service.providers.refusals import of_stream
from chat_service.providers.said import Said, said_by
from chat_service.providers.shapes import has_refusal, is_error, parts_of, reason_of, usage_of
from chat_service.providers.sse import DONE, Event, Events
from chat_service.providers.telling import Telling

_DONE_WORDS = frozenset({DONE, b"[done]", b"DONE"})
_IDLE_WORDS = frozenset(
    {
        b"",
        b"ping",
        b"pong",
        b"[PING]",
        b"keepalive",
        b"keep-alive",
        b"heartbeat",
        b"undefined",
        b"None",
    }
)
_IDLE_EVENTS = frozenset({"ping", "heartbeat", "keepalive", "keep-alive"})
_DONE_EVENTS = frozenset({"done", "end", "complete", "completed", "close"})
_USUAL_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})
# The names of events that say something that their data does not.
_TELLING = frozenset(name.encode() for name in {"error", *_IDLE_EVENTS, *_DONE_EVENTS})
# Finish reasons that say that the answer is none, or not whole.
_FAILURES: Final[dict[str, type[ProviderError]]] = {
    **dict.fromkeys(
        ("error", "model_error", "network_error", "internal_error", "server_error", "failed"),
        ProviderError,
    ),
    "insufficient_system_resource": ProviderOverloaded,
    "overloaded": ProviderOverloaded,
}
_STOPPED = frozenset({"abort", "aborted", "cancelled", "canceled", "interrupted", "timeout"})


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    # What is none of these is no chunk for this way of reading.
    refusal: None = None
    reasoning_text: None = None
    reasoning_details: None = None
    thinking: None = None


class _Choice(msgspec.Struct, gc=False):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: Literal[0] | None = 0
    message: None = None
    text: None = None
    error: None = None
    usage: None = None


class _Chunk(msgspec.Struct, gc=False):
    choices: Annotated[list[_Choice], msgspec.Meta(max_length=1)]
    usage: dict[str, Any] | None = None
    error: None = None
    x_groq: None = None


_CHUNKS = msgspec.json.Decoder(_Chunk)


class Chunks:
    """Reads one answer of a server that speaks OpenAI's protocol, or nearly."""

    names = True

    def __init__(self) -> None:
        self._telling = Telling()
        # The kinds that deltas have brought.
        self._by_delta: set[Kind] = set()
        self._refused = False
        self._finished = False
        self._has_message = False

    def read(self, events: Events) -> tuple[Piece, ProviderError | None]:
        """What ``events`` bring, up to an error or to the answer's own end, which is the piece's."""
        piece = Piece()
        problem = None
        lines = events if isinstance(events, bytes) else _lines_of(events)
        # Halves of characters come in chunks that are none for the fast way.
        is_strange = lines is None or (bool(lines) and not self._take_all(lines, piece))
        if is_strange:
            each = events if isinstance(events, list) else _events_of(events)
            problem = self._take_each(each, piece)
        if piece.parts and (is_strange or not self._telling.is_plain):
            piece.parts = self._telling.tell(piece.parts)
        if piece.finish_reason is not None:
            self._finished = True
            if self._refused:
                piece.finish_reason = "content_filter"
        if piece.end is not None:
            piece.parts = [*piece.parts, *self._telling.left()]
        return piece, problem

    def end(self, *, is_events: bool) -> Piece:
        """What has waited until now, when nothing more comes, and how the answer ended by that.

        ``is_events``: the body was server-sent events, and no document that is whole by itself.
        """
        is_whole = self._finished or (self._has_message and not is_events)
        return Piece(parts=self._telling.left(), end=End.WHOLE if is_whole else End.EARLY)

    def _take_all(self, events: bytes, piece: Piece) -> bool:
        """Take chunks that are what the protocol says, in one go; False, and nothing is taken, if one
        is not.
        """
        is_over = events.endswith(DONE)
        if is_over:
            events = events[: -len(DONE)]
        try:
            chunks = _CHUNKS.decode_lines(events)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        parts: list[Part] = []
        # What is being collected, and whether it is thinking.
        said: list[str] = []
        is_thought = False
        reason = usage = None
        for chunk in chunks:
            for choice in chunk.choices:
                if (delta := choice.delta) is not None:
                    if thought := delta.reasoning_content or delta.reasoning:
                        if not is_thought:
                            if said:
                                parts.append((TEXT, "".join(said)))
                                said = []
                            is_thought = True
                        said.append(thought)
                    if text := delta.content:
                        if is_thought:
                            parts.append((THINKING, "".join(said)))
                            said = []
                            is_thought = False
                        said.append(text)
                if word := choice.finish_reason:
                    if word not in _USUAL_REASONS:
                        return False
                    reason = word
            if chunk.usage:
                usage = chunk.usage
        if said:
            parts.append((THINKING if is_thought else TEXT, "".join(said)))
            self._by_delta.update([kind for kind, _ in parts])
            piece.parts = parts
        if reason is not None:
            piece.finish_reason = reason
        if usage is not None:
            piece.usage = usage_of(usage)
        if is_over:
            piece.end = End.WHOLE
        return True

    def _take_each(self, events: Iterable[Event], piece: Piece) -> ProviderError | None:
        """Take chunks one by one, in whatever shape can be forgiven, up to the first that cannot be."""
        for name, data in events:
            if problem := self._take_event(
                name.decode(errors="replace").lower(), data.strip(), piece
            ):
                return problem
            if piece.end is not None:
                break
        return None

    def _take_event(self, name: str, data: bytes, piece: Piece) -> ProviderError | None:
        if data in _DONE_WORDS:
            piece.end = End.WHOLE
            return None
        if name in _IDLE_EVENTS or (data in _IDLE_WORDS and name not in _DONE_EVENTS):
            return of_stream(Said()) if name == "error" else None
        try:
            values = json_text.documents(data)
        except ValueError:
            values = []
            if name not in _DONE_EVENTS and (problem := _not_json(name, data)):
                return problem
        for value in values:
            for chunk in value if isinstance(value, list) else [value]:
                if isinstance(chunk, dict):
                    problem = self._take_chunk(chunk, name, piece)
                else:
                    problem = _not_json(name, data) if isinstance(chunk, str) else None
                if problem is not None or piece.end is not None:
                    return problem
        if name in _DONE_EVENTS and not any(_has_choices(value) for value in values):
            piece.end = End.WHOLE
        return None

    def _take_chunk(self, chunk: dict[str, Any], name: str, piece: Piece) -> ProviderError | None:
        choice = _first_choice(chunk.get("choices"))
        piece.parts = [*piece.parts, *self._parts(chunk, choice)]
        for holder in (chunk, chunk.get("x_groq"), choice):
            usage = holder.get("usage") if isinstance(holder, dict) else None
            piece.usage = usage_of(usage) or piece.usage
        if is_error(chunk, name):
            return of_stream(said_by(chunk))
        if choice.get("error"):
            return of_stream(said_by(choice))
        reason = reason_of(choice.get("finish_reason"))
        if chunk.get("done") is True:  # Ollama
            reason = reason or reason_of(chunk.get("done_reason")) or "stop"
            piece.usage = usage_of(chunk) or piece.usage
            piece.end = End.WHOLE
        if reason is None:
            return None
        word = reason.strip().lower()
        if word in _FAILURES:
            return _FAILURES[word](f"finish_reason {word}")
        if word in _STOPPED:
            piece.end = End.EARLY
            return None
        piece.finish_reason = reason
        return None

    def _parts(self, chunk: dict[str, Any], choice: dict[str, Any]) -> list[Part]:
        delta = choice.get("delta")
        parts = [*parts_of(delta, fields=("content", "refusal"))]
        self._by_delta.update(kind for kind, _ in parts)
        if not parts:
            parts = [*parts_of(choice, fields=("text",))]
        message = choice.get("message")
        self._has_message = self._has_message or bool(message)
        if not parts:
            # Behind deltas it is what they have said, once more.
            whole = parts_of(message, fields=("content", "refusal"))
            parts = [part for part in whole if part[0] not in self._by_delta]
        if not parts and not choice:  # Ollama's own
            answer = chunk.get("message")
            is_chat = isinstance(answer, dict)
            parts = [*(parts_of(answer) if is_chat else parts_of(chunk, fields=("response",)))]
        self._refused = self._refused or has_refusal(delta) or has_refusal(message)
        return parts


def _lines_of(events: list[Event]) -> bytes | None:
    """Their data, one a line, if their names say nothing."""
    if any(name in _TELLING or b"\n" in data for name, data in events):
        return None
    return b"\n".join([data for _, data in events])


def _events_of(lines: bytes) -> list[Event]:
    return [Event(b"", line) for line in lines.split(b"\n")]


def _first_choice(choices: Any) -> dict[str, Any]:
    """The one that is read, empty where there is none."""
    if isinstance(choices, dict):
        choices = [choices]
    if isinstance(choices, list):
        for choice in choices:
            if isinstance(choice, dict) and choice.get("index") in (0, None, "0"):
                return choice
    return {}


def _has_choices(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("choices"))


def _not_json(name: str, data: bytes) -> ProviderError | None:
    """What text means that is no chunk; None: nothing."""
    text = data[:4096].decode("utf-8", "replace")
    if name == "error" or (
        not name and "error" in text.lower() and not data.startswith((b"{", b"["))
    ):
        return of_stream(Said(message=text.strip('"')))
    if name:  # an event of somebody's own
        return None
    return ProviderGarbled(
        f"not JSON: {text[:200]}",
        detail="The model server sent something in mid-answer that cannot be read; try again.",
        message="" if data.startswith((b"{", b"[")) else text,
    )
