"""The flush reads slow models' sockets by itself, and leaves itself time between two of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import pytest_asyncio

from chassis.ids import new_id
from chassis.testing import ModelServer, eventually
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.port import End, Piece
from chat_service.streaming.write.flush import Flusher
from chat_service.streaming.write.writer import Writer
from parley_local.model_server import text_of
from servicekit.generation_parameters import GenerationParameters

FLUSH_SECONDS = 0.02


async def nobody(live: Any) -> None:
    raise AssertionError(f"{live.run.id} is ours")


@pytest_asyncio.fixture
async def flusher(rig: Any) -> AsyncIterator[Flusher]:
    writer = Writer(rig.log, rig.fallback, on_fenced=nobody, on_thawed=lambda: None)
    flusher = Flusher(writer, flush_seconds=FLUSH_SECONDS)
    await flusher.start()
    yield flusher
    await flusher.stop()


class Reader:
    """Reads a model's answer; the flush takes what ``fits``, the reader the rest."""

    def __init__(self, rig: Any, flusher: Flusher, model_server: ModelServer) -> None:
        self._rig = rig
        self._flusher = flusher
        self._base_url = model_server.base_url
        self.fits = True
        self.pieces: list[Piece] = []
        self.taken = 0

    def _take(self, piece: Piece) -> bool:
        if self.fits:
            self.taken += 1
            self.pieces.append(piece)
        return self.fits

    async def read(self, model: str) -> str:
        connection = Connection(new_id(), "x", "sk-x", model, self._base_url, "openai")
        stream = self._rig.provider.stream(
            connection,
            [PromptMessage("user", "hello")],
            model=model,
            parameters=GenerationParameters(),
            next_read=self._flusher.next_read,
            take=self._take,
        )
        async with aclosing(stream):
            async for piece in stream:
                self.pieces.append(piece)
        return "".join(piece.text for piece in self.pieces)


async def test_what_a_slow_model_says_is_taken_by_the_flush_and_its_end_by_the_reader(
    rig: Any, flusher: Flusher, model_server: ModelServer
) -> None:
    reader = Reader(rig, flusher, model_server)
    assert await reader.read("tokens-60-at-100") == text_of("tokens-60-at-100")
    assert reader.pieces[-1].end is End.WHOLE
    assert not any(piece.end for piece in reader.pieces[:-1])
    assert 0 < reader.taken < len(reader.pieces)


async def test_what_the_flush_may_not_take_comes_to_the_reader_once_and_in_order(
    rig: Any, flusher: Flusher, model_server: ModelServer
) -> None:
    reader = Reader(rig, flusher, model_server)
    reader.fits = False
    assert await reader.read("tokens-60-at-100") == text_of("tokens-60-at-100")
    assert reader.taken == 0


async def test_a_reader_that_is_given_up_is_read_no_more(
    rig: Any, flusher: Flusher, model_server: ModelServer
) -> None:
    reader = Reader(rig, flusher, model_server)
    reading = asyncio.create_task(reader.read("tokens-1000-at-100"))

    async def reads() -> bool:
        return reader.taken > 0

    await eventually(reads)
    reading.cancel()
    await asyncio.wait({reading})
    seen = len(reader.pieces)
    for _ in range(3):
        await asyncio.sleep(2 * FLUSH_SECONDS)
    assert len(reader.pieces) == seen


async def test_what_collecting_raises_is_its_readers_and_the_others_are_read_on(
    flusher: Flusher,
) -> None:
    looks = 0

    def break_down() -> bool:
        raise ValueError("broken")

    def look() -> bool:
        nonlocal looks
        looks += 1
        return looks < 5

    broken, well = await asyncio.wait_for(
        asyncio.gather(
            flusher.next_read(lambda: None, break_down),
            flusher.next_read(lambda: None, look),
            return_exceptions=True,
        ),
        10,
    )
    assert isinstance(broken, ValueError)
    assert (well, looks) == (None, 5)


async def test_flushes_that_take_much_time_come_less_often(flusher: Flusher) -> None:
    """Ten milliseconds of work are a fifteenth of the longest pause."""
    began: list[float] = []

    def work() -> bool:
        began.append(time.monotonic())
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass
        return len(began) < 15

    await asyncio.wait_for(flusher.next_read(lambda: None, work), 30)
    pauses = [after - before for before, after in pairwise(began)]
    # Of what a flush takes the newest ones say most; a busy machine only makes pauses longer.
    assert min(pauses[-3:]) > 0.12
