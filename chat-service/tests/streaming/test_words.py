"""The operator's words in answers: nothing of them is shown, logged or saved, whatever is killed."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from chassis.caller import Caller
from chassis.ids import new_id
from chassis.testing import ModelServer, eventually
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import DELTA, REASONING, Frame
from chat_service.answer.domain.reducer import replay
from chat_service.runs.domain.run import Run, Turn
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.log.redis import Append
from chat_service.words.domain.stream import FilteredStream
from chat_service.words.domain.word_filter import Action, Rule, WordFilter
from parley_local.model_server.texts import reasoning_of, text_of
from servicekit.generation_parameters import GenerationParameters

# `rig` is conftest's fixture; a test module cannot import its class by name.
Rig = Any


def masks(*words: str) -> WordFilter:
    return WordFilter(Rule(word, Action.MASK) for word in words)


def refuses(*words: str) -> WordFilter:
    return WordFilter(Rule(word, Action.REFUSE) for word in words)


def parts_of(text: str, length: int = 7, every: int = 41) -> list[str]:
    """Words that are in a text, over the borders of its tokens, too."""
    parts = (text[at : at + length].strip() for at in range(3, len(text) - length, every))
    return [part for part in parts if part]


def live_run(words: WordFilter) -> LiveRun:
    run = Run(
        id=new_id(),
        user_id=new_id(),
        tenant_id=new_id(),
        turn=Turn(new_id(), new_id(), new_id(), question_order=1, answer_order=2),
        provider="openai",
        model="m",
        parameters=GenerationParameters(),
        owner="r",
        created_at=datetime.now(UTC),
    )
    return LiveRun(run, in_force=lambda: words)


def drained(live: LiveRun, text: str, size: int) -> list[Frame]:
    """The frames of a run whose text comes in pieces of so many characters, one for each flush."""
    for at in range(0, len(text), size):
        live.add_text(text[at : at + size])
        live.take()
    live.finish()
    return list(live.take())


async def test_what_is_shown_logged_and_saved_is_masked(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    model = "reasoning-120"
    words = masks(*parts_of(text_of(model)), *parts_of(reasoning_of(model)))
    rig = await make_rig(redis_url, in_force=lambda: words)
    run = (await rig.ask(caller, model_server, model)).run
    frames = await rig.follow(run)
    masked = words.masked(text_of(model))
    assert masked != text_of(model)
    assert rig.joined(frames) == masked
    assert rig.joined(frames, REASONING) == words.masked(reasoning_of(model))
    assert rig.end(frames)["status"] == "completed"
    assert await rig.log.read(run.id, 0) == frames
    answer = await rig.answer(caller, run)
    assert (answer.content, answer.reasoning) == (masked, rig.joined(frames, REASONING))


async def test_an_answer_ends_before_a_word_that_is_refused_and_hangs_up_on_the_model(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    closed = model_server.counters()["closed_by_client"]
    word = parts_of(text_of("tokens-100"))[3]
    rig = await make_rig(redis_url, in_force=lambda: refuses(word))
    run = (await rig.ask(caller, model_server, "endless-at-400")).run
    frames = await rig.follow(run)
    end = rig.end(frames)
    assert (end["status"], end["reason"]) == ("interrupted", "ANSWER_FILTERED")
    assert end["finish_reason"] == "content_filter"
    shown = rig.joined(frames)
    assert text_of("tokens-100").startswith(shown)
    assert text_of("tokens-100").lower().find(word.lower()) == len(shown)
    assert (await rig.answer(caller, run)).content == shown
    await eventually(lambda: model_server.counters()["closed_by_client"] > closed)


async def test_an_answer_of_which_nothing_may_be_shown_has_failed(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    word = text_of("tokens-20")[:6]
    rig = await make_rig(redis_url, in_force=lambda: refuses(word))
    run = (await rig.ask(caller, model_server, "tokens-20")).run
    frames = await rig.follow(run)
    assert frames[-1].event == "error"
    assert rig.end(frames)["reason"] == "ANSWER_FILTERED"
    found = await rig.ended(run)
    assert (found.run.status, found.answer.content) == (RunStatus.FAILED, "")


async def test_what_might_have_become_a_word_is_shown_at_the_end(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    text = text_of("tokens-20")
    rig = await make_rig(redis_url, in_force=lambda: refuses(text[-5:] + "x", text[-2:] + "yz"))
    run = (await rig.ask(caller, model_server, "tokens-20")).run
    assert rig.joined(await rig.follow(run)) == text
    assert (await rig.answer(caller, run)).content == text


async def test_a_dead_owners_run_is_saved_without_what_it_held_back(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    text = text_of("tokens-30")
    # What came last may be a word's beginning.
    words = masks(text[-6:] + "x", *parts_of(text))
    rig = await make_rig(redis_url, in_force=lambda: words)
    run = (await rig.ask(caller, model_server, "stall-after-30")).run
    expected = FilteredStream(lambda: words).feed(text)
    assert 0 < len(expected) < len(text)

    async def shown() -> bool:
        return bool(rig.joined(await rig.log.read(run.id, 0)) == expected)

    await eventually(shown)
    taker = (await make_rig(redis_url)).heartbeat("replica-2")
    await taker.start()
    found = await rig.ended(run)
    await taker.stop()
    assert (found.run.status, found.answer.content) == (RunStatus.INTERRUPTED, expected)


async def test_owners_killed_at_every_frame_leave_no_word_and_none_is_made_by_going_on(
    make_rig: Any, redis_url: str, caller: Caller, model_server: ModelServer
) -> None:
    text = "one secret word, a secretary, sec"
    following = text_of("tokens-20")
    # Each word begins with what was shown when its owner was killed, and ends with what comes then.
    listed = [text[:at][-2:] + following[:5] for at in range(2, len(text))]
    words = masks("secret", *listed)
    frames = drained(live_run(words), text, 2)
    rig = await make_rig(redis_url, in_force=lambda: words)
    killed: list[tuple[Run, str]] = []
    for count in range(1, len(frames) + 1):
        run = (await rig.chat.accept(caller, None)).run
        await rig.log.append([Append(run.id, run.epoch, frames[:count])])
        killed.append((run, replay(frames[:count]).text))
    assert len({shown for _, shown in killed}) > 10
    taker = (await make_rig(redis_url)).heartbeat("replica-2")
    await taker.start()
    for run, shown in killed:
        found = await rig.ended(run)
        assert (found.run.status, found.answer.content) == (RunStatus.INTERRUPTED, shown)
        assert words.masked(shown) == shown
    await taker.stop()
    for _, shown in killed:
        goes_on = (await rig.ask(caller, model_server, "tokens-20", prefix=shown)).run
        await rig.follow(goes_on)
        whole = (await rig.answer(caller, goes_on)).content
        assert whole.startswith(shown)
        assert words.masked(whole) == whole
        assert whole[len(shown) + 5 :] == following[5:]


@pytest.mark.parametrize("size", [1, 3, 50])
def test_killed_at_any_frame_and_gone_on_with_no_word_is_ever_whole(size: int) -> None:
    text = "one secret word, and a Secretary, sec, ret: 机密文件 and 机密 secr"
    listed = ("secret", "机密文件", "机密", "retry", "secretary")
    words = masks(*listed)
    whole = words.masked(text)
    frames = drained(live_run(words), text, size)
    assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
    assert replay(frames).text == whole
    for killed in range(len(frames) + 1):
        kept = replay(frames[:killed]).text
        assert whole.startswith(kept)
        for more in ("et", "ret", "secret", "文件", "密", "a secretary"):
            live = live_run(words)
            if kept:
                live.begin_with(kept)
            gone_on = drained(live, more, size)
            text_now = replay(gone_on).text
            assert text_now.startswith(kept)
            assert words.masked(text_now) == text_now
            assert len(text_now) == len(kept) + len(more)


def test_thinking_and_text_are_each_looked_at_by_themselves() -> None:
    words = masks("secret")
    live = live_run(words)
    for kind, said in (("r", "sec"), ("t", "a sec"), ("r", "ret!"), ("t", "ond")):
        (live.add_reasoning if kind == "r" else live.add_text)(said)
        live.take()
    live.finish()
    told = replay(list(live.take()))
    assert (told.text, told.reasoning) == ("a second", "＊＊＊＊＊＊!")


def test_a_run_that_is_refused_takes_no_more_and_says_so_once() -> None:
    live = live_run(refuses("secret"))
    told: list[bool] = []
    live.on_refused = lambda: told.append(True)
    live.add_text("a sec")
    live.take()
    live.add_text("ret.")
    live.add_reasoning("more")
    live.take()
    live.add_text("more")
    live.finish()
    frames = live.take()
    assert [(f.event, orjson.loads(f.data)["text"]) for f in frames] == [(DELTA, "a ")]
    assert (live.refused, told) == (True, [True])
