"""A live run in its owner's memory: text on its way to the log, and the newest frames of it.

Text waits here until a flush makes one frame of it; a frame waits until it is durable, in Redis
or while that is away in PostgreSQL; only then can a follower see it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from chat_service.answer.domain.frame import DELTA, REASONING, SNAPSHOT, Frame, encode, storable
from chat_service.answer.domain.reducer import Answer
from chat_service.runs.domain.run import Run
from chat_service.streaming.log.window import Window
from chat_service.streaming.timings import SHIPPED
from chat_service.words.domain.stream import FilteredStream
from chat_service.words.domain.word_filter import InForce, no_words

# Of text, a frame has so many at most: a frame is what is passed on whole, and held whole by who waits for its reader.
_FRAME_CHARACTERS = 16 * 1024


class LiveRun:
    """One run from its acceptance until its end is in the log.

    Of what comes, frames have what passes the operator's words, which are those of ``in_force``. What may yet
    become a word waits, also at other frames' borders; ``on_refused`` is called once when one is refused, and
    no text comes into frames any more.
    """

    def __init__(
        self,
        run: Run,
        *,
        window_bytes: int = SHIPPED.window_bytes,
        in_force: InForce = no_words,
    ) -> None:
        self.run = run
        self.window = Window(bytes_kept=window_bytes)
        self.text_bytes = 0
        # Whether nothing but its end may still come, and whether the database has the whole run.
        self.ending = False
        self.saved = False
        # Whether the fallback log may have frames of it (or has to be asked whose it is), and which
        # of them it has for certain that go on where the log is known to end; 0: none.
        self.in_fallback = False
        self.fallback_from = self.fallback_to = 0
        self._abandoned = False
        self._seq = 0
        self._answer = Answer()
        # What has come since the last frame: runs of the same kind are joined when drained.
        self._pending: list[tuple[str, str]] = []
        self._in_force = in_force
        self._filtered = {kind: FilteredStream(in_force) for kind in (REASONING, DELTA)}
        self.refused = False
        self.on_refused: Callable[[], None] = nobody
        self._unacknowledged: deque[Frame] = deque()
        # Of those frames' data.
        self.waiting_bytes = 0

    @property
    def ended(self) -> bool:
        """Whether its end has been shown, or it is nothing of this replica's any more."""
        return self.window.ended

    # What the generation does

    def begin_with(self, prefix: str) -> None:
        """Put storable text that is there already in front of the answer, as one snapshot."""
        self.text_bytes += len(prefix.encode())
        self._filtered[DELTA] = FilteredStream(self._in_force, begun=prefix)
        self.add_event(SNAPSHOT, {"text": prefix, "reasoning": ""})

    def add_text(self, text: str) -> None:
        """Take in a piece of the answer."""
        self._pending.append((DELTA, text))
        self.text_bytes += len(text.encode("utf-8", "replace"))

    def add_reasoning(self, text: str) -> None:
        """Take in a piece of the model's thinking."""
        self._pending.append((REASONING, text))
        self.text_bytes += len(text.encode("utf-8", "replace"))

    def add_event(self, event: str, data: dict[str, Any]) -> None:
        """Put one event behind everything that has come before it."""
        self._drain()
        self._number(event, data)

    def finish(self) -> None:
        """No text comes any more: what was held back goes into frames."""
        self._drain()
        for kind in self._filtered:
            self._emit(kind, [], finished=True)

    def answer(self) -> tuple[Answer, int]:
        """What there is of the answer so far, storable, and the number of its last frame."""
        self._drain()
        return self._answer, self._seq

    def text_before(self, number: int) -> tuple[str, str]:
        """Text and reasoning of the frames before ``number``."""
        return self._answer.before(number)

    def snapshot_before(self, number: int) -> Frame:
        """One frame that stands for all before ``number``."""
        return Frame(number - 1, SNAPSHOT, encode(self._answer.snapshot_before(number)))

    # What the flusher does

    def take(self) -> Sequence[Frame]:
        """The frames that are not known to be durable, oldest first, the pending text included."""
        if self._abandoned:
            return ()
        self._drain()
        return tuple(self._unacknowledged)

    def acknowledge(self, last: int) -> None:
        """Show every frame up to number ``last``: they are durable."""
        window, unacknowledged = self.window, self._unacknowledged
        while unacknowledged and unacknowledged[0].seq <= last:
            frame = unacknowledged.popleft()
            self.waiting_bytes -= len(frame.data)
            if frame.seq > window.last:
                window.show(frame)
        window.wake()

    def rewind(self, last: int) -> int:
        """The log ends at number ``last``: take what is behind it for unacknowledged again.

        Returns the number of the first frame that is; if it is not the next one, what is between
        has left the memory and must be given back with :meth:`prepend`.
        """
        if last + 1 < self.fallback_from:
            self.fallback_from = self.fallback_to = 0
        first = self._unacknowledged[0].seq if self._unacknowledged else self._seq + 1
        for frame in reversed(self.window.frames):
            if frame.seq <= last:
                break
            if frame.seq < first:
                self._unacknowledged.appendleft(frame)
                self.waiting_bytes += len(frame.data)
                first = frame.seq
        return first

    def prepend(self, frames: Sequence[Frame]) -> None:
        """Put shown frames in front of the unacknowledged ones: they go to the log again."""
        self._unacknowledged.extendleft(reversed(frames))
        self.waiting_bytes += sum(len(frame.data) for frame in frames)

    def note_fallback(self, first: int, last: int) -> None:
        """The fallback log has frames ``first`` to ``last``."""
        if not self.fallback_to or first > self.fallback_to + 1:
            self.fallback_from = first
        self.fallback_to = last

    def note_released(self, last: int) -> None:
        """The fallback log has no frames up to ``last`` any more: the log has."""
        if last >= self.fallback_to:
            self.fallback_from = self.fallback_to = 0
        else:
            self.fallback_from = last + 1
        # What was shown and is not in the log yet may be there still.
        self.in_fallback = last < self.window.last

    def abandon(self) -> None:
        """End without a terminal frame: the run is somebody else's now, or gone.

        Nothing more of it goes to the log or is shown, whatever is still added.
        """
        self._abandoned = True
        self.window.end()

    def let_go(self) -> None:
        """Keep nothing of what was said, once it has ended: a reader who takes their time keeps this."""
        self.window.let_go()
        self._answer = Answer()

    def _drain(self) -> None:
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        parts: list[str] = []
        kind = pending[0][0]
        for event, text in pending:
            if event != kind:
                self._emit(kind, parts)
                parts, kind = [], event
            parts.append(text)
        self._emit(kind, parts)

    def _emit(self, kind: str, parts: list[str], *, finished: bool = False) -> None:
        if self.refused:
            return
        stream = self._filtered[kind]
        text = stream.feed(storable("".join(parts)))
        if finished:
            text += stream.finish()
        for at in range(0, len(text), _FRAME_CHARACTERS):
            self._number(kind, {"text": text[at : at + _FRAME_CHARACTERS]})
        if stream.refused:
            self.refused = True
            self.on_refused()

    def _number(self, event: str, data: dict[str, Any]) -> None:
        self._seq += 1
        self._answer.take(self._seq, event, data)
        frame = Frame(self._seq, event, encode(data))
        self._unacknowledged.append(frame)
        self.waiting_bytes += len(frame.data)


def nobody() -> None:
    """Nobody wants to be told."""
