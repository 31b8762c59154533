"""A run's frames as plain text: numbered without gap, and the same for whoever reads from wherever."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import orjson
import pytest

from chassis.caller import Caller
from chassis.testing import ModelServer
from chat_service.answer.domain.form import TextForm
from chat_service.answer.domain.frame import DELTA, DONE, REASONING, SNAPSHOT, START, Frame, encode
from chat_service.answer.domain.reducer import replay
from chat_service.conversations.in_form import text_in_form
from chat_service.plain_text.stream import plain
from chat_service.streaming.read.in_form import in_plain_text
from chat_service.words.domain.word_filter import Action, InForce, Rule, WordFilter, no_words
from parley_local.model_server.texts import text_of

TEXT = "# A *heading*\n\n- **bold** and `code`, [a](b)\n\nan open **end"
THOUGHT = "it *seems* so**"


def frames_of(text: str, size: int, thought: str = "") -> list[Frame]:
    said = [(START, {"run_id": "r"})]
    said += [(REASONING, {"text": thought[at : at + size]}) for at in range(0, len(thought), size)]
    said += [(DELTA, {"text": text[at : at + size]}) for at in range(0, len(text), size)]
    said.append((DONE, {"status": "completed", "finish_reason": "stop"}))
    return [Frame(seq, event, encode(data)) for seq, (event, data) in enumerate(said, 1)]


async def read(
    frames: Sequence[Frame], after: int = 0, at_once: int = 1, in_force: InForce = no_words
) -> list[Frame]:
    async def batches() -> AsyncGenerator[Sequence[Frame], None]:
        for at in range(0, len(frames), at_once):
            yield frames[at : at + at_once]

    return [frame async for batch in in_plain_text(batches(), after, in_force) for frame in batch]


@pytest.mark.parametrize("size", [1, 3, 200])
async def test_the_text_is_plain_and_each_frame_has_its_number(size: int) -> None:
    frames = frames_of(TEXT, size, THOUGHT)
    shown = await read(frames)
    assert [frame.seq for frame in shown] == list(range(1, len(shown) + 1))
    assert [frame.event for frame in shown[: len(frames) - 1]] == [f.event for f in frames[:-1]]
    told = replay(shown)
    assert (told.text, told.reasoning) == (plain(TEXT), plain(THOUGHT))
    # What was held back, of each of the two, and then the end.
    assert [frame.event for frame in shown[len(frames) - 1 :]] == [REASONING, DELTA, DONE]
    assert shown[-1].data == frames[-1].data


async def test_what_a_terminal_would_obey_is_a_sign_in_plain_text() -> None:
    text = "\x1b]0;t\x07*red*\x1b[31m\tà\x9b\x7f\n"
    shown = "␛]0;t␇red␛[31m\tà�␡\n"
    for size in (1, 200):
        assert replay(await read(frames_of(text, size))).text == shown
    assert (await text_in_form(text, TextForm.TEXT, no_words, ended=True))[0] == shown


@pytest.mark.parametrize("at_once", [1, 4, 1000])
async def test_whoever_comes_back_gets_exactly_the_rest(at_once: int) -> None:
    frames = frames_of(TEXT, 3, THOUGHT)
    whole = await read(frames)
    for after in range(len(whole) + 1):
        assert await read(frames, after, at_once) == whole[after:]


async def test_a_snapshot_is_plain_as_far_as_it_goes() -> None:
    frames = frames_of(TEXT, 4)
    whole = await read(frames)
    for cut in range(3, len(frames) - 1):
        before = replay(frames[:cut])
        data = {"text": before.text, "reasoning": "", "cache": "miss"}
        lost = [Frame(cut, SNAPSHOT, encode(data)), *frames[cut:]]
        shown = await read(lost)
        assert orjson.loads(shown[0].data)["cache"] == "miss"
        assert replay(shown).text == plain(TEXT)
        # Behind it all is as if nothing had been lost.
        assert shown[1:] == whole[cut:]


@pytest.mark.parametrize("size", [1, 3, 200])
async def test_a_word_that_only_marks_kept_apart_is_masked(size: int) -> None:
    words = WordFilter([Rule("secret", Action.MASK), Rule("forbidden", Action.REFUSE)])
    said = "sec**r**et, s&#101;cret and for`bid`den, then for*bid*"
    shown = await read(frames_of(said, size, said), in_force=lambda: words)
    expected = f"{'＊' * 6}, {'＊' * 6} and {'＊' * 9}, then forbid"
    told = replay(shown)
    assert (told.text, told.reasoning) == (expected, expected)
    assert [frame.seq for frame in shown] == list(range(1, len(shown) + 1))
    assert await text_in_form(said, TextForm.TEXT, lambda: words, ended=True) == (expected, 1)


async def test_a_long_snapshot_keeps_nobody_waiting() -> None:
    data = {"text": "**a** " * 40_000, "reasoning": ""}
    lasted = [0.0]

    async def heartbeat() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            lasted.append(loop.time() - before)

    heartbeats = asyncio.create_task(heartbeat())
    began = time.monotonic()
    shown = await read([Frame(1, SNAPSHOT, encode(data))])
    whole = time.monotonic() - began
    heartbeats.cancel()
    assert orjson.loads(shown[0].data)["text"].startswith("a a a")
    # Others have had their turn while it was read.
    assert len(lasted) > 20
    assert max(lasted) < whole / 2


@pytest.mark.parametrize("text", [TEXT, "whole.\n"])
async def test_what_was_recovered_goes_on_where_it_ended(text: str) -> None:
    frames = frames_of(text, 3, THOUGHT)
    for seq in range(1, len(frames) + 1):
        so_far, ended = replay(frames[:seq]), seq == len(frames)
        said, one = await text_in_form(so_far.text, TextForm.TEXT, no_words, ended=ended)
        thought, other = await text_in_form(so_far.reasoning, TextForm.TEXT, no_words, ended=ended)
        rest = await read(frames, after=seq + one + other)
        assert ended is not bool(rest)
        behind = {DELTA: said, REASONING: thought}
        for frame in rest:
            if frame.event in behind:
                behind[frame.event] += orjson.loads(frame.data)["text"]
        assert behind == {DELTA: plain(text), REASONING: plain(THOUGHT)}


async def test_a_run_is_read_as_plain_text_live_from_the_log_and_from_the_database(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    run = (await rig.ask(caller, model_server, "tokens-120")).run

    async def follow(after: int = 0) -> list[Frame]:
        following = in_plain_text(rig.followers.follow(run, 0), after)
        return [frame async for batch in following for frame in batch]

    live = await follow()
    shown = plain(text_of("tokens-120"))
    assert rig.joined(live) == shown != text_of("tokens-120")
    assert (await rig.answer(caller, run)).content == text_of("tokens-120")
    rig.engine._followers._lives.clear()
    assert await follow() == live
    assert await follow(3) == live[3:]
    await rig.log.delete([run.id])
    snapshot, *rest = await follow()
    assert orjson.loads(snapshot.data)["text"] + rig.joined(rest) == shown
    assert (snapshot.event, rest[-1].seq) == ("snapshot", live[-1].seq)
    assert await follow(live[-1].seq) == []
