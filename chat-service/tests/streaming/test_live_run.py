"""A live run's frames: joined, numbered, shown once acknowledged."""

import asyncio
import random
from datetime import UTC, datetime

import orjson
import pytest

from chassis.ids import new_id
from chat_service.answer.domain.frame import DELTA, DONE, REASONING, Frame, storable
from chat_service.runs.domain.run import Run, Turn
from chat_service.streaming.log.live import LiveRun
from servicekit.generation_parameters import GenerationParameters

# Of frames that are as large as they come, some.
WINDOW_BYTES = 40_000


@pytest.fixture
def live() -> LiveRun:
    return LiveRun(
        Run(
            id=new_id(),
            user_id=new_id(),
            tenant_id=new_id(),
            turn=Turn(new_id(), new_id(), new_id(), question_order=1, answer_order=2),
            provider="openai",
            model="m",
            parameters=GenerationParameters(),
            owner="r",
            created_at=datetime.now(UTC),
        ),
        window_bytes=WINDOW_BYTES,
    )


def text(frame: Frame) -> str:
    decoded: str = orjson.loads(frame.data)["text"]
    return decoded


async def test_everything_between_two_takes_is_one_frame_of_its_kind(live: LiveRun) -> None:
    live.add_reasoning("let me ")
    live.add_reasoning("think")
    live.add_text("a")
    live.add_text("b")
    taken = live.take()
    assert [(f.seq, f.event, text(f)) for f in taken] == [
        (1, REASONING, "let me think"),
        (2, DELTA, "ab"),
    ]
    live.add_text("c")
    assert [f.seq for f in live.take()] == [1, 2, 3]
    answer, last_seq = live.answer()
    assert (answer.text, answer.reasoning, last_seq) == ("abc", "let me think", 3)


async def test_much_at_once_is_several_frames(live: LiveRun) -> None:
    said = "字" * 40_000
    live.add_text(said)
    taken = live.take()
    assert [(f.seq, f.event, len(text(f))) for f in taken] == [
        (1, DELTA, 16_384),
        (2, DELTA, 16_384),
        (3, DELTA, 7_232),
    ]
    assert "".join(text(f) for f in taken) == said
    assert live.answer()[0].text == said


async def test_nothing_is_shown_before_it_is_acknowledged(live: LiveRun) -> None:
    live.add_text("a")
    live.take()
    assert live.window.behind(0) == ()
    waiting = asyncio.create_task(live.window.wait_behind(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    live.acknowledge(1)
    await asyncio.wait_for(waiting, 30)
    shown = live.window.behind(0)
    assert shown is not None
    assert [text(f) for f in shown] == ["a"]


async def test_a_follower_sees_exactly_what_is_behind_its_number(live: LiveRun) -> None:
    for number in range(5):
        live.add_text(str(number))
        live.take()
    live.acknowledge(5)
    for after in range(6):
        shown = live.window.behind(after)
        assert shown is not None
        assert [f.seq for f in shown] == list(range(after + 1, 6))


async def test_what_has_left_the_window_is_read_elsewhere(live: LiveRun) -> None:
    chunk = "x" * (WINDOW_BYTES // 4)
    for number in range(1, 9):
        live.add_text(chunk)
        live.take()
        live.acknowledge(number)
    assert live.window.behind(0) is None
    newest = live.window.behind(7)
    assert newest is not None
    assert [f.seq for f in newest] == [8]


async def test_a_rewind_takes_shown_frames_again_without_showing_them_twice(
    live: LiveRun,
) -> None:
    for _ in range(4):
        live.add_text("x")
        live.take()
    live.acknowledge(3)
    assert live.rewind(1) == 2
    assert live.rewind(1) == 2
    assert [f.seq for f in live.take()] == [2, 3, 4]
    live.acknowledge(4)
    shown = live.window.behind(0)
    assert shown is not None
    assert [f.seq for f in shown] == [1, 2, 3, 4]


async def test_the_terminal_frame_ends_the_run_once_it_is_shown(live: LiveRun) -> None:
    live.add_text("a")
    live.add_event(DONE, {"status": "completed", "finish_reason": "stop"})
    live.take()
    assert not live.ended
    live.acknowledge(2)
    assert live.ended


async def test_a_follower_that_has_gone_is_not_waited_for(live: LiveRun) -> None:
    waiting = asyncio.create_task(live.window.wait_behind(0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert live.window._waiters == []


async def test_the_text_before_a_frame_is_that_of_the_frames_before_it(live: LiveRun) -> None:
    live.begin_with("prefix ")
    live.add_reasoning("r")
    live.add_text("a")
    live.take()
    live.acknowledge(2)
    assert live.text_before(1) == ("", "")
    assert live.text_before(2) == ("prefix ", "")
    assert live.text_before(3) == ("prefix ", "r")
    assert live.text_before(4) == ("prefix a", "r")
    assert live.rewind(0) == 1
    assert live.text_before(3) == ("prefix ", "r")


async def test_what_has_left_the_memory_goes_to_the_log_as_one_snapshot(live: LiveRun) -> None:
    chunk = "x" * (WINDOW_BYTES // 4)
    for number in range(1, 9):
        live.add_text(chunk)
        live.take()
        live.acknowledge(number)
    first = live.rewind(0)
    assert first > 1
    snapshot = live.snapshot_before(first)
    assert (snapshot.seq, snapshot.event) == (first - 1, "snapshot")
    assert text(snapshot) == chunk * (first - 1)
    live.prepend([snapshot])
    assert [f.seq for f in live.take()] == list(range(first - 1, 9))


async def test_the_text_before_a_frame_is_the_same_wherever_that_frame_is(live: LiveRun) -> None:
    chunk = "x" * (WINDOW_BYTES // 4)
    for number in range(1, 9):
        live.add_text(f"<{number}>{chunk}")
        live.take()
        live.acknowledge(number)
    before = {number: live.text_before(number) for number in range(1, 10)}
    assert before[3] == (f"<1>{chunk}<2>{chunk}", "")
    # The log is lost, what left the memory is read from PostgreSQL, a part of it is written again,
    # and the log is lost once more.
    first = live.rewind(0)
    older = [Frame(seq, DELTA, b"{}") for seq in range(1, first)]
    live.prepend(older)
    live.acknowledge(2)
    assert live.rewind(0) == 3
    assert {number: live.text_before(number) for number in before} == before


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("plain", "plain"),
        ("a\0b", "a\ufffdb"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\udc00\ud800", "\ufffd\ufffd"),
    ],
)
def test_text_is_made_storable(raw: str, kept: str) -> None:
    assert storable(raw) == kept


@pytest.mark.parametrize("seed", range(10))
async def test_what_waits_is_counted_byte_by_byte_whatever_comes_in_between(
    live: LiveRun, seed: int
) -> None:
    dice = random.Random(seed)
    # So small that most of what was shown has left the memory.
    live = LiveRun(live.run, window_bytes=200)
    acknowledged = 0
    for _ in range(100):
        match dice.choice(["text", "reasoning", "acknowledge", "rewind"]):
            case "text":
                live.add_text("x" * dice.randrange(1, 50))
            case "reasoning":
                live.add_reasoning("y" * dice.randrange(1, 50))
            case "acknowledge" if taken := live.take():
                acknowledged = dice.choice(taken).seq
                live.acknowledge(acknowledged)
            case "rewind":
                acknowledged = dice.randrange(acknowledged + 1)
                first = live.rewind(acknowledged)
                if first > acknowledged + 1:
                    live.prepend([live.snapshot_before(first)])
        waiting = live.take()
        assert live.waiting_bytes == sum(len(frame.data) for frame in waiting)
        numbers = [frame.seq for frame in waiting]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    live.acknowledge(live.answer()[1])
    assert (live.waiting_bytes, live.take()) == (0, ())


async def test_what_the_fallback_log_has_is_one_piece_without_a_hole(live: LiveRun) -> None:
    live.note_fallback(3, 5)
    live.note_fallback(6, 8)
    assert (live.fallback_from, live.fallback_to) == (3, 8)
    # Behind a hole another piece begins, and the one before is of no use to who repairs the log.
    live.note_fallback(10, 12)
    assert (live.fallback_from, live.fallback_to) == (10, 12)
    live.note_fallback(11, 14)
    assert (live.fallback_from, live.fallback_to) == (10, 14)


async def test_what_the_fallback_log_has_let_go_is_in_it_no_more(live: LiveRun) -> None:
    for _ in range(6):
        live.add_text("x")
        live.take()
    live.acknowledge(6)
    live.in_fallback = True
    live.note_fallback(2, 6)
    live.note_released(4)
    assert (live.fallback_from, live.fallback_to, live.in_fallback) == (5, 6, True)
    live.note_released(6)
    assert (live.fallback_from, live.fallback_to, live.in_fallback) == (0, 0, False)


async def test_a_log_that_ends_before_what_the_fallback_log_has_is_not_repaired_from_it(
    live: LiveRun,
) -> None:
    for _ in range(6):
        live.add_text("x")
        live.take()
    live.acknowledge(6)
    live.note_fallback(4, 6)
    live.rewind(3)
    assert (live.fallback_from, live.fallback_to) == (4, 6)
    live.rewind(2)
    assert (live.fallback_from, live.fallback_to) == (0, 0)


async def test_of_a_run_that_is_let_go_nothing_is_kept_of_what_was_said(live: LiveRun) -> None:
    live.add_reasoning("because")
    live.add_text("so")
    live.acknowledge(live.take()[-1].seq)
    assert live.text_before(9) == ("so", "because")
    live.let_go()
    assert list(live.window.frames) == []
    assert live.text_before(9) == ("", "")
