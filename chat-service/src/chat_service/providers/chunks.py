"""Chunks of a chat completion: from messages of a body to pieces of an answer.

A read of chunks that are what the protocol says is taken at once (``usual_chunks.py``). One with anything
else in it is read chunk by chunk, in whatever shape can be forgiven. Both ways share what is known of the answer so
far, and so this file, which is longer than others.
"""

from collections.abc import Iterable
from typing import Any

from chat_service.answer.domain.ending import OTHER_FINISH_REASON
from chat_service.providers import json_text
from chat_service.providers.broken_ends import failure_of, is_stopped, is_vague
from chat_service.providers.counts import Counts
from chat_service.providers.errors import ProviderError, ProviderGarbled
from chat_service.providers.failing import is_aside, is_error, says_end
from chat_service.providers.growing import Growing
from chat_service.providers.messages import Messages
from chat_service.providers.other_protocols import of_another_protocol, of_no_protocol
from chat_service.providers.port import TEXT, End, Kind, Part, Piece
from chat_service.providers.refusals import of_stream
from chat_service.providers.repeats import MOST_CHARACTERS, Repeats
from chat_service.providers.said import Said, said_by
from chat_service.providers.second_choices import SecondChoices
from chat_service.providers.shapes import (
    calls_tool,
    error_in,
    first_choice,
    has_choices,
    has_refusal,
    is_first,
    parts_of,
    parts_without_choices,
    reason_in,
    spoken_in,
    unwrapped,
    usages_in,
)
from chat_service.providers.sse import DONE, Event, Events
from chat_service.providers.stray import (
    DONE_EVENTS,
    ERROR_EVENTS,
    IDLE_EVENTS,
    events_of,
    failure_in,
    is_done,
    is_idle,
    lines_of,
    not_json,
)
from chat_service.providers.telling import Telling
from chat_service.providers.usual_chunks import Usual, usual_of
from chat_service.providers.voices import Voices


class Chunks:
    """Reads one answer of a server that speaks OpenAI's protocol, or nearly."""

    names = True

    def __init__(self) -> None:
        self._telling = Telling()
        # The kinds that deltas have brought.
        self._by_delta: set[Kind] = set()
        self._refused = False
        self._called = False
        self._finished = False
        self._has_message = False
        self._has_first = False
        self._has_said = False
        self._is_strange = False
        self._counts = Counts()
        # Whether chunks that look like usual ones mean what these mean.
        self._is_unambiguous = False
        self._growing = Growing()
        self._repeats = Repeats()
        self._voices = Voices()
        # What is an end if nothing comes behind it: a reason that may stand in each chunk, or none.
        self._last_word: str | None = None
        self._seconds = SecondChoices()
        self._messages = Messages()

    def read(self, events: Events) -> tuple[Piece, ProviderError | None]:
        """What ``events`` bring, up to an error or to the answer's own end, which is the piece's."""
        piece = Piece()
        problem = None
        lines = events if isinstance(events, bytes) else lines_of(events)
        # Halves of characters come in chunks that are none for the fast way.
        is_strange = lines is None or (bool(lines) and not self._take_all(lines, piece))
        if is_strange:
            each = events if isinstance(events, list) else events_of(events)
            problem = self._take_each(each, piece)
            if problem is not None:
                piece.parts = [*piece.parts, *self._repeats.release()]
            self._is_unambiguous = False
        if not self._is_unambiguous:
            self._look_back(piece, problem)
        if piece.parts and (is_strange or not self._telling.is_plain):
            piece.parts = self._telling.tell(piece.parts)
        if piece.end is not None:
            problem = self._end(piece) or problem
        if piece.finish_reason is not None:
            self._finished = True
            self._repeats.drop()
            if self._refused:
                piece.finish_reason = "content_filter"
            elif self._called and TEXT not in self._by_delta:
                # Some servers say that the model stopped, which is no answer.
                piece.finish_reason = "tool_calls"
        return piece, problem

    def _look_back(self, piece: Piece, problem: ProviderError | None) -> None:
        if problem or piece.finish_reason or piece.end:
            piece.parts = [*piece.parts, *self._growing.settle()]
        self._is_unambiguous = (
            self._growing.is_past and not self._voices.are_heard and self._last_word is None
        )

    def end(self, *, is_events: bool) -> tuple[Piece, ProviderError | None]:
        """What has waited until now, when nothing more comes, and how the answer ended by that.

        ``is_events``: the body was server-sent events, and no document that is whole by itself.
        """
        piece = Piece()
        problem = self._end(piece)
        if self._last_word and piece.finish_reason is None and not self._finished:
            piece.finish_reason = OTHER_FINISH_REASON
        is_whole = (
            self._finished
            or self._last_word is not None
            or piece.finish_reason is not None
            or (self._has_message and not is_events)
        )
        piece.end = End.WHOLE if is_whole else End.EARLY
        return piece, problem

    def _end(self, piece: Piece) -> ProviderError | None:
        """What could not be told before; also what other choices say, where the first one said nothing."""
        if not (self._by_delta or self._has_said):
            piece.finish_reason = piece.finish_reason or self._seconds.reason
            piece.parts = [*piece.parts, *self._telling.tell(self._seconds.parts)]
        self._repeats.drop()
        held = self._telling.tell(self._growing.settle())
        piece.parts = [*piece.parts, *held, *self._telling.left()]
        is_known = self._has_first or piece.parts or piece.finish_reason or self._has_said
        return of_no_protocol() if self._is_strange and not is_known else None

    def _take_all(self, lines: bytes, piece: Piece) -> bool:
        """Take chunks that are what the protocol says, in one go; False, and nothing is taken, if one
        is not.
        """
        is_over = lines.endswith(DONE)
        if is_over:
            lines = lines[: -len(DONE)]
        by_delta = self._by_delta
        has_text = TEXT in by_delta
        if self._is_unambiguous:
            usual = usual_of(lines, has_text, self._has_first)
        else:
            usual = self._usual_while_ambiguous(lines)
        if usual is None:
            return False
        parts, reason, usages, has_first = usual
        if parts:
            repeats = self._repeats
            for kind, text in parts:
                if kind is TEXT and (size := repeats.size) <= MOST_CHARACTERS:
                    if (length := len(text)) >= size and repeats.may_begin(parts):
                        return False
                    repeats.size = size + length
                    repeats.texts.append(text)
                if not has_text or kind is not TEXT:
                    by_delta.add(kind)
            piece.parts = parts
        piece.finish_reason, self._has_first = reason, has_first
        if usages:
            self._counts.take(usages, piece)
        if is_over:
            piece.end = End.WHOLE
        return True

    def _usual_while_ambiguous(self, lines: bytes) -> Usual | None:
        """What chunks say as long as usual words may mean something else than usual."""
        if self._voices.are_heard or self._repeats.is_holding:
            return None
        growing = self._growing
        usual = usual_of(
            lines, TEXT in self._by_delta, self._has_first, may_grow=not growing.is_past
        )
        if usual is None or self._repeats.may_begin(usual[0]):
            return None
        if not (growing.is_past or growing.passes(usual[0])):
            return None
        if usual[0]:
            self._last_word = None
        return usual

    def _take_each(self, events: Iterable[Event], piece: Piece) -> ProviderError | None:
        """Take chunks one by one, in whatever shape can be forgiven, up to the first that cannot be."""
        left = iter(events)
        for name, data in left:
            problem = self._take_event(name.decode(errors="replace").lower(), data.strip(), piece)
            if isinstance(problem, ProviderGarbled):
                # Proxies put an error behind whatever they had begun to send.
                return failure_in([*data.split(b"\n"), *(behind for _, behind in left)]) or problem
            if problem is not None:
                return problem
            if piece.end is not None:
                break
        return None

    def _take_event(self, name: str, data: bytes, piece: Piece) -> ProviderError | None:
        if name in ERROR_EVENTS:
            name = "error"
            if is_done(data) or is_idle(data):
                return of_stream(Said())
        if is_done(data):
            piece.end = End.WHOLE
            return None
        if name in IDLE_EVENTS or (is_idle(data) and name not in DONE_EVENTS):
            return None
        try:
            values = json_text.documents_within(data)
        except ValueError:
            values = []
            if name not in DONE_EVENTS and (problem := not_json(name, data)):
                return problem
        for value in values:
            for chunk in value if isinstance(value, list) else [value]:
                if isinstance(chunk, dict):
                    problem = self._take_chunk(chunk, name, piece)
                else:
                    is_said = isinstance(chunk, str) or name == "error"
                    problem = not_json(name, data) if is_said else None
                if problem is not None or piece.end is not None:
                    return problem
        if name in DONE_EVENTS and not any(map(has_choices, values)):
            piece.end = End.WHOLE
        return None

    def _take_chunk(self, chunk: dict[str, Any], name: str, piece: Piece) -> ProviderError | None:
        error = of_stream(said_by(chunk)) if is_error(chunk, name) else None
        chunk = unwrapped(chunk)
        choice = first_choice(chunk.get("choices"))
        if choice and not is_first(choice):
            self._seconds.take(choice)
            choice = {}
        elif choice:
            self._has_first = True
        elif not (error or self._by_delta) and (other := of_another_protocol(chunk)):
            return other
        parts = self._parts(chunk, choice)
        piece.parts = [*piece.parts, *parts]
        self._has_said = self._has_said or bool(parts)
        if parts or choice:
            self._last_word = None
        self._is_strange = self._is_strange or not (
            choice or parts or "choices" in chunk or is_aside(chunk, name)
        )
        if says_end(chunk) and not choice:
            self._last_word = ""
        for usage in usages_in(chunk, choice):
            self._counts.take((usage,), piece)
        if error is not None:
            return error
        if within := error_in(choice):
            return of_stream(said_by({"error": within}))
        reason = reason_in(chunk, choice)
        if chunk.get("done") is True or (not choice and chunk.get("done_reason")):  # Ollama
            reason = reason or reason_in({"finish_reason": chunk.get("done_reason")}, {}) or "stop"
            self._counts.take((chunk,), piece)
            piece.end = End.WHOLE
        if reason is None:
            return None
        if is_vague(reason):
            self._last_word = reason
            return None
        if failure := failure_of(reason):
            return failure
        if is_stopped(reason):
            piece.end = End.EARLY
            return None
        piece.finish_reason = reason
        return None

    def _parts(self, chunk: dict[str, Any], choice: dict[str, Any]) -> list[Part]:
        delta = choice.get("delta")
        parts = self._voices.tell(delta, spoken_in(delta))
        self._by_delta.update(kind for kind, _ in parts)
        is_delta = bool(parts)
        parts = self._repeats.news(self._growing.news(parts))
        if not is_delta:
            parts = [*parts_of(choice, fields=("text", "content"))]
        message = choice.get("message")
        self._has_message = self._has_message or bool(message) or "reply" in chunk  # MiniMax
        if not (is_delta or parts):
            # Behind deltas it is what they have said, once more.
            said = [*self._voices.tell(message, spoken_in(message))]
            parts = self._messages.news(part for part in said if part[0] not in self._by_delta)
            if TEXT in self._by_delta:
                rest = self._repeats.rest("".join(text for kind, text in said if kind == TEXT))
                parts += self._repeats.news([(TEXT, rest)] if rest else [])
        is_bare = not chunk.get("choices") if "reply" in chunk else "choices" not in chunk
        if is_bare and not (is_delta or parts or (self._by_delta and "reply" in chunk)):
            parts = self._growing.news(parts_without_choices(chunk))
        self._refused = self._refused or has_refusal(delta) or has_refusal(message)
        self._called = self._called or calls_tool(delta) or calls_tool(message)
        return parts
