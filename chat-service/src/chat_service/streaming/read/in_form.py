"""A run's frames as plain text, for those readers who ask for it.

The log holds what the model wrote, and so do replay, takeover and the saved message: what is shown here is made of the
frames from the first one on, whoever reads and from wherever, and is the same each time. A frame keeps
its number. What is held back to the end comes as frames of its own under the numbers from the terminal
one's on, which is numbered behind them.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

import orjson

from chat_service.answer.domain.frame import DELTA, REASONING, SNAPSHOT, Frame, encode
from chat_service.conversations.in_form import BYTES_AT_ONCE, PlainShown
from chat_service.words.domain.word_filter import InForce, no_words


async def in_plain_text(
    batches: AsyncGenerator[Sequence[Frame], None], after: int, in_force: InForce = no_words
) -> AsyncGenerator[Sequence[Frame], None]:
    """The frames behind number `after`; `batches` are all of the run, from the first one on.

    What words are `in_force` is looked at anew behind the marks that are taken away.
    """
    frames_in_form = _PlainFrames(in_force)
    size = 0
    async with aclosing(batches):
        async for frames in batches:
            shown: list[Frame] = []
            for frame in frames:
                taken = await frames_in_form.take_aside(frame)
                shown += (one for one in taken if one.seq > after)
                size += len(frame.data)
                # Of a history: then others have their turn.
                if size > BYTES_AT_ONCE:
                    size = 0
                    await asyncio.sleep(0)
            if shown:
                yield shown


class _PlainFrames:
    """Text and thinking are two texts, of which each is read by itself."""

    def __init__(self, in_force: InForce) -> None:
        self._in_force = in_force
        self._begin()

    def _begin(self) -> None:
        self._texts = {REASONING: PlainShown(self._in_force), DELTA: PlainShown(self._in_force)}

    async def take_aside(self, frame: Frame) -> Sequence[Frame]:
        """What becomes of a frame; a big one, such as a snapshot of a long answer, is read in another thread."""
        if len(frame.data) <= BYTES_AT_ONCE:
            return list(self.take(frame))
        return await asyncio.to_thread(lambda: list(self.take(frame)))

    def take(self, frame: Frame) -> Iterator[Frame]:
        if frame.event in self._texts:
            text = self._texts[frame.event].feed(orjson.loads(frame.data)["text"])
            yield Frame(frame.seq, frame.event, encode({"text": text}))
        elif frame.event == SNAPSHOT:
            self._begin()
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
