"""The one reducer from frames to an answer: the live run's, replay's and takeover's.

Whatever a reader has been shown of a run is what this makes of the run's frames. A part is one
frame's worth of content, of one kind: text or thinking, and later tool calls, citations, images.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from chat_service.answer.domain.ending import (
    Adapted,
    CacheState,
    Ending,
    Fallback,
    RunStatus,
    Usage,
    known_finish_reason,
)
from chat_service.answer.domain.frame import (
    ADAPTED,
    CACHE,
    DELTA,
    DONE,
    ERROR,
    FALLBACK,
    REASONING,
    SNAPSHOT,
    TERMINAL,
    USAGE,
    Frame,
)

#: The reason of a run that was ended by another replica than the one that generated it.
OWNER_LOST: Final = "OWNER_LOST"


class Answer:
    """What the frames that were taken in, in order of their numbers, add up to."""

    def __init__(self, prefix: str = "") -> None:
        # Each kind's parts under the numbers of the frames that carried them.
        self._text: dict[int, str] = {0: prefix} if prefix else {}
        self._reasoning: dict[int, str] = {}
        # What was said when one connection took the place of another, under the frame's number.
        self._fallbacks: dict[int, list[Mapping[str, Any]]] = {}
        # What the server did not take as it was asked for, and the number of the frame that said so.
        self._adapted: tuple[int, Sequence[Mapping[str, Any]]] = (0, ())
        # Whether it was kept from an earlier one, and the number of the frame that said so.
        self._cache: tuple[int, CacheState] = (0, CacheState.OFF)
        self.usage: Usage | None = None
        #: Of the terminal frame, once there is one; INTERRUPTED stands for its absence.
        self.status = RunStatus.INTERRUPTED
        self.reason: str | None = OWNER_LOST
        self.finish_reason: str | None = None
        self.ended = False

    def take(self, seq: int, event: str, data: Mapping[str, Any]) -> None:
        """Take in frame number `seq`. An event that is not known says nothing."""
        if event == DELTA:
            self._text[seq] = data["text"]
        elif event == REASONING:
            self._reasoning[seq] = data["text"]
        elif event == SNAPSHOT:
            self._text, self._reasoning = {seq: data["text"]}, {seq: data["reasoning"]}
            if "fallbacks" in data:
                self._fallbacks = {seq: data["fallbacks"]}
            if "adapted" in data:
                self._adapted = (seq, data["adapted"])
            if "cache" in data:
                self._cache = (seq, CacheState(data["cache"]))
        elif event == FALLBACK:
            self._fallbacks[seq] = [data]
            # What another connection was asked for.
            self._adapted = (seq, ())
        elif event == ADAPTED:
            self._adapted = (seq, data["adapted"])
        elif event == CACHE:
            self._cache = (seq, CacheState(data["state"]))
        elif event == USAGE:
            self.usage = Usage.of(data)
        elif event in TERMINAL:
            self._end(event, data)

    def _end(self, event: str, data: Mapping[str, Any]) -> None:
        self.ended = True
        if event == DONE:
            # Logs of earlier versions do not say why.
            self.status, self.reason = RunStatus(data["status"]), data.get("reason")
            # Logs of earlier versions have it as the provider said it.
            self.finish_reason = known_finish_reason(data["finish_reason"])
        elif event == ERROR:
            # In logs of earlier versions within the document that a client was shown.
            failure = data.get("problem", data)
            self.status, self.reason = RunStatus.FAILED, failure["reason"]

    @property
    def text(self) -> str:
        return "".join(self._text.values())

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning.values())

    @property
    def fallbacks(self) -> tuple[Fallback, ...]:
        """In their order: the last one's connection has answered."""
        return tuple(_fallback(told) for said in self._fallbacks.values() for told in said)

    @property
    def adapted(self) -> tuple[Adapted, ...]:
        """Of the connection that has answered."""
        return tuple(Adapted(one["parameter"], one["use"]) for one in self._adapted[1])

    @property
    def cache(self) -> CacheState:
        return self._cache[1]

    def snapshot_before(self, seq: int) -> dict[str, Any]:
        """The data of a snapshot that stands for the frames before number `seq`."""
        text, reasoning = self.before(seq)
        said = [one for number, told in self._fallbacks.items() if number < seq for one in told]
        data = {"text": text, "reasoning": reasoning}
        number, adapted = self._adapted
        return {
            **data,
            **({"fallbacks": said} if said else {}),
            **({"adapted": list(adapted)} if adapted and number < seq else {}),
            **self._cache_before(seq),
        }

    def _cache_before(self, seq: int) -> dict[str, str]:
        number, state = self._cache
        return {"cache": state.value} if number and number < seq else {}

    def before(self, seq: int) -> tuple[str, str]:
        """Text and thinking of the frames before number `seq`."""
        text = (part for number, part in self._text.items() if number < seq)
        reasoning = (part for number, part in self._reasoning.items() if number < seq)
        return "".join(text), "".join(reasoning)


def replay(frames: Sequence[Frame], prefix: str = "") -> Ending:
    """The end that a log tells: its own terminal frame, or `interrupted` behind its last.

    `prefix` is what the answer began with, in case the log does not say so itself.
    """
    answer = Answer(prefix)
    for frame in frames:
        answer.take(frame.seq, frame.event, orjson.loads(frame.data))
    last_seq = frames[-1].seq if frames else 0
    return Ending(
        status=answer.status,
        reason=answer.reason,
        finish_reason=answer.finish_reason,
        text=answer.text,
        reasoning=answer.reasoning,
        usage=answer.usage,
        last_seq=last_seq if answer.ended else last_seq + 1,
        fallbacks=answer.fallbacks,
        adapted=answer.adapted,
        cache=answer.cache,
    )


def _fallback(told: Mapping[str, Any]) -> Fallback:
    return Fallback(
        from_key_id=UUID(told["from_key_id"]),
        reason=told["reason"],
        key_id=UUID(told["key_id"]),
        provider=told["provider"],
        model=told["model"],
        metered=told["owner"] == "operator",
    )
