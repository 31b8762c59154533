"""A run's frames as plain text, for those readers who ask for it.

The log holds what the model wrote, and so do replay, takeover and the saved message: what is shown here is made of the
frames from the first one on, whoever reads and from wherever, and is the same each time. A frame keeps
its number. What is held back to the end comes as frames of its own under the numbers from the terminal
one's on, which is numbered behind them.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import Final

import orjson

from chat_service.answer.domain.frame import DELTA, REASONING, SNAPSHOT, Frame, encode
from chat_service.plain_text.stream import PlainText

# Of a history: then others have their turn.
_BYTES_AT_ONCE: Final = 64 * 1024


async def in_plain_text(
    batches: AsyncGenerator[Sequence[Frame], None], after: int
) -> AsyncGenerator[Sequence[Frame], None]:
    """The frames behind number `after`; `batches` are all of the run, from the first one on."""
    frames_in_form = _PlainFrames()
    size = 0
    async with aclosing(batches):
        async for frames in batches:
            shown: list[Frame] = []
            for frame in frames:
                shown += (one for one in frames_in_form.take(frame) if one.seq > after)
                size += len(frame.data)
                if size > _BYTES_AT_ONCE:
                    size = 0
                    await asyncio.sleep(0)
            if shown:
                yield shown


class _PlainFrames:
    """Text and thinking are two texts, of which each is read by itself."""

    def __init__(self) -> None:
        self._texts = {REASONING: PlainText(), DELTA: PlainText()}

    def take(self, frame: Frame) -> Iterator[Frame]:
        if frame.event in self._texts:
            text = self._texts[frame.event].feed(orjson.loads(frame.data)["text"])
            yield Frame(frame.seq, frame.event, encode({"text": text}))
        elif frame.event == SNAPSHOT:
            self._texts = {REASONING: PlainText(), DELTA: PlainText()}
            told = orjson.loads(frame.data)
            said, thought = self._texts[DELTA], self._texts[REASONING]
            shown = {
                "text": said.feed(told["text"]),
                "reasoning": thought.feed(told["reasoning"]),
            }
            yield Frame(frame.seq, SNAPSHOT, encode({**told, **shown}))
        elif frame.is_terminal:
            seq = frame.seq
            for event, held in self._texts.items():
                if rest := held.finish():
                    yield Frame(seq, event, encode({"text": rest}))
                    seq += 1
            yield Frame(seq, frame.event, frame.data)
        else:
            yield frame
