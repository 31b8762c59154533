"""The events of a message: from the messages of a body to pieces of an answer.

Of a read nothing is decoded but what is looked at, and all of it at once; what that cannot read is read
event by event.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from chat_service.answer.domain.ending import Usage
from chat_service.providers import json_text
from chat_service.providers.broken_ends import failure_of, is_stopped
from chat_service.providers.errors import ProviderContentRefused, ProviderError, ProviderGarbled
from chat_service.providers.failing import is_error
from chat_service.providers.growing import Growing
from chat_service.providers.port import TEXT, THINKING, End, Kind, Part, Piece
from chat_service.providers.refusals import of_stream
from chat_service.providers.said import said_by
from chat_service.providers.sse import Event, Events
from chat_service.providers.stray import is_done, is_idle, not_json
from chat_service.providers.telling import Telling

# What the tokens of a prompt are counted as: read anew, read and kept, found kept.
_PROMPT_COUNTS: Final = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)


class _Delta(msgspec.Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    reasoning: str | None = None
    stop_reason: str | None = None
    stop_details: Any = None


class _Event(msgspec.Struct, gc=False):
    """What is looked at of an event, or of a whole message."""

    type: str = ""
    delta: _Delta | None = None
    usage: dict[str, Any] | None = None
    content_block: dict[str, Any] | None = None
    message: Any = None
    error: Any = None
    content: Any = None
    stop_reason: str | None = None
    stop_details: Any = None
    choices: Any = None


_EVENTS = msgspec.json.Decoder(_Event)


class Messages:
    """Reads one answer of a server that speaks Anthropic's Messages API."""

    #: Data have a type, which is the event's name once more.
    names = False

    def __init__(self) -> None:
        self._telling = Telling()
        self._growing = Growing()
        self._counts: dict[str, int] = {}
        self._has_text = False
        self._finished = False

    def read(self, events: Events) -> tuple[Piece, ProviderError | None]:
        """What ``events`` bring, up to an error or to the answer's own end, which is the piece's."""
        piece = Piece()
        parts: list[Part] = []
        lines = events
        if isinstance(lines, list):
            # An event's name is its type, once more.
            lines = b"\n".join([event.data for event in lines])
        if not lines:
            return piece, None
        try:
            typed = _EVENTS.decode_lines(lines)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            typed = []
        if typed and all(event.type for event in typed):
            if self._growing.is_past:
                problem = self._take_all(typed, piece, parts)
            else:
                problem = self._take_while_ambiguous(typed, piece, parts)
        else:
            if not isinstance(events, list):
                events = [Event(b"", line) for line in events.split(b"\n")]
            problem = self._take_each(events, piece, parts)
        if problem or piece.finish_reason or piece.end:
            parts += self._growing.settle()
        if parts:
            parts = self._telling.tell(parts)
        if piece.end is not None:
            parts += self._telling.left()
        piece.parts = parts
        return piece, problem

    def end(self, *, is_events: bool) -> tuple[Piece, ProviderError | None]:
        """What has waited until now, when nothing more comes, and how the answer ended by that."""
        whole = self._finished or not is_events
        held = self._telling.tell(self._growing.settle())
        left = [*held, *self._telling.left()]
        return Piece(parts=left, end=End.WHOLE if whole else End.EARLY), None

    def _take_while_ambiguous(
        self, events: Iterable[_Event], piece: Piece, parts: list[Part]
    ) -> ProviderError | None:
        """One by one, as long as it is not known whether each says what has been said once more."""
        for event in events:
            said: list[Part] = []
            problem = self._take_all([event], piece, said)
            parts += self._growing.news(said) if event.type == "content_block_delta" else said
            if problem is not None or piece.end is not None:
                return problem
        return None

    def _take_all(
        self, events: Iterable[_Event], piece: Piece, parts: list[Part]
    ) -> ProviderError | None:
        texts: list[str] = []
        kind: Kind = TEXT
        problem = None
        for event in events:
            if event.type == "content_block_delta":
                delta = event.delta
                if delta is None:
                    continue
                if delta.text:
                    if kind != TEXT:
                        _put(parts, kind, texts)
                        kind, texts = TEXT, []
                    texts.append(delta.text)
                elif thought := delta.thinking or delta.reasoning:
                    if kind != THINKING:
                        _put(parts, kind, texts)
                        kind, texts = THINKING, []
                    texts.append(thought)
            elif event.type not in ("content_block_stop", "ping"):
                _put(parts, kind, texts)
                texts = []
                problem = self._take(event, piece, parts)
                if problem is not None or piece.end is not None:
                    break
        _put(parts, kind, texts)
        self._has_text = self._has_text or any(kind == TEXT for kind, _ in parts)
        return problem

    def _take_each(
        self, events: Iterable[Event], piece: Piece, parts: list[Part]
    ) -> ProviderError | None:
        """Event by event, in whatever shape can be forgiven, up to the first that cannot be."""
        for _, data in events:
            try:
                values = json_text.documents_within(data.strip())
            except ValueError:
                said = data.strip()
                is_word = is_idle(said) or is_done(said)
                if not is_word and (problem := not_json("", said)):
                    return problem
                continue
            for value in _objects(values):
                event = _event_of(value)
                if is_error(value, "") and (event is None or not event.type):
                    problem = of_stream(said_by(value))
                elif event is None:
                    continue  # of another shape than this reads
                else:
                    event.type = event.type or _type_of(event)
                    problem = self._take_all([event], piece, parts)
                if problem is not None or piece.end is not None:
                    return problem
        return None

    def _take(self, event: _Event, piece: Piece, parts: list[Part]) -> ProviderError | None:
        """Any event but a delta of the answer's text or thinking."""
        if event.error or event.type == "error":
            return of_stream(said_by({"type": "error", "error": event.error or event.message}))
        match event.type:
            case "message_start":
                message = event.message if isinstance(event.message, dict) else {}
                self._count(message.get("usage"), piece)
                parts += _parts_of(message.get("content"))
            case "content_block_start":
                parts += _parts_of([event.content_block])
            case "message_delta":
                self._count(event.usage, piece)
                delta = event.delta
                if delta is not None and delta.stop_reason:
                    return self._stop(delta.stop_reason, delta.stop_details, piece, parts)
                if event.stop_reason:
                    return self._stop(event.stop_reason, event.stop_details, piece, parts)
            case "message_stop":
                whole = event.message if isinstance(event.message, dict) else {}
                for usage in (event.usage, whole.get("usage")):
                    self._count(usage, piece)
                piece.end = End.WHOLE
            case "message" | "" if event.content is not None:
                self._count(event.usage, piece)
                parts += _parts_of(event.content)
                if event.stop_reason:
                    return self._stop(event.stop_reason, event.stop_details, piece, parts)
            case "completion":
                return ProviderGarbled(
                    "a completion of text",
                    detail="The model server speaks Anthropic's older protocol of completions; choose a base "
                    "URL that has the Messages API.",
                )
            case _ if event.choices is not None:
                return ProviderGarbled(
                    "chunks of a chat completion",
                    detail="The model server speaks OpenAI's protocol; set the connection's provider to "
                    "openai.",
                )
        return None

    def _stop(
        self, reason: str, details: Any, piece: Piece, parts: list[Part]
    ) -> ProviderError | None:
        if reason == "refusal" and not (self._has_text or any(kind == TEXT for kind, _ in parts)):
            why = details.get("explanation") if isinstance(details, dict) else None
            return ProviderContentRefused("refusal", message=why if isinstance(why, str) else "")
        if failure := failure_of(reason):
            return failure
        if is_stopped(reason):
            piece.end = End.EARLY
            return None
        self._finished = True
        piece.finish_reason = reason
        return None

    def _count(self, usage: Any, piece: Piece) -> None:
        """Counts are of all until now; a later one replaces an earlier one."""
        if not isinstance(usage, dict):
            return
        for name in (*_PROMPT_COUNTS, "output_tokens"):
            count = usage.get(name)
            if (
                isinstance(count, int | float)
                and not isinstance(count, bool)
                and 0 <= count < 2**31
                # Some servers say at the end that there were none.
                and (count or name not in self._counts)
            ):
                self._counts[name] = int(count)
        prompt = sum(self._counts.get(name, 0) for name in _PROMPT_COUNTS)
        if self._counts and prompt < 2**31:
            piece.usage = Usage(
                prompt,
                self._counts.get("output_tokens", 0),
                self._counts.get("cache_read_input_tokens"),
            )


def _put(parts: list[Part], kind: Kind, texts: list[str]) -> None:
    if texts:
        parts.append((kind, "".join(texts)))


def _parts_of(blocks: Any) -> list[Part]:
    """Text and thinking of blocks that came whole, or of what one begins with."""
    if isinstance(blocks, str):
        return [(TEXT, blocks)] if blocks else []
    parts: list[Part] = []
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, dict):
            continue
        text, thinking = block.get("text"), block.get("thinking")
        if block.get("type") == "text" and isinstance(text, str) and text:
            parts.append((TEXT, text))
        elif block.get("type") == "thinking" and isinstance(thinking, str) and thinking:
            parts.append((THINKING, thinking))
    return parts


def _objects(values: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        found = value if isinstance(value, list) else [value]
        yield from (one for one in found if isinstance(one, dict))


def _event_of(value: dict[str, Any]) -> _Event | None:
    try:
        return msgspec.convert(value, _Event)
    except (msgspec.ValidationError, UnicodeError, RecursionError):
        return None  # the second of halves of characters in names


def _type_of(event: _Event) -> str:
    """Of an event whose type is said in its name alone; empty: it could be any."""
    delta = event.delta
    if delta is None:
        return ""
    return "message_delta" if delta.stop_reason else "content_block_delta"
