"""A run's frames as plain text: numbered without gap, and the same for whoever reads from wherever."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import orjson
import pytest

from chassis.caller import Caller
from chassis.testing import ModelServer
from chat_service.answer.domain.frame import DELTA, DONE, REASONING, SNAPSHOT, START, Frame, encode
from chat_service.answer.domain.reducer import replay
from chat_service.plain_text.stream import plain
from chat_service.streaming.read.in_form import in_plain_text
from parley_local.model_server.texts import text_of

TEXT = "# A *heading*\n\n- **bold** and `code`, [a](b)\n\nan open **end"
THOUGHT = "it *seems* so**"


def frames_of(text: str, size: int, thought: str = "") -> list[Frame]:
    said = [(START, {"run_id": "r"})]
    said += [(REASONING, {"text": thought[at : at + size]}) for at in range(0, len(thought), size)]
    said += [(DELTA, {"text": text[at : at + size]}) for at in range(0, len(text), size)]
    said.append((DONE, {"status": "completed", "finish_reason": "stop"}))
    return [Frame(seq, event, encode(data)) for seq, (event, data) in enumerate(said, 1)]


async def read(frames: Sequence[Frame], after: int = 0, at_once: int = 1) -> list[Frame]:
    async def batches() -> AsyncGenerator[Sequence[Frame], None]:
        for at in range(0, len(frames), at_once):
            yield frames[at : at + at_once]

    return [frame async for batch in in_plain_text(batches(), after) for frame in batch]


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
