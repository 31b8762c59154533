"""The one reducer: whatever order text, thinking and snapshots come in, all readers see the same."""

import random
from typing import Any

import orjson
import pytest

from chat_service.answer.domain.ending import CacheState, RunStatus, Usage
from chat_service.answer.domain.frame import Frame, encode
from chat_service.answer.domain.reducer import OWNER_LOST, Answer, replay


def frames_of(*events: tuple[str, dict[str, Any]]) -> list[Frame]:
    return [Frame(seq, event, encode(data)) for seq, (event, data) in enumerate(events, start=1)]


def test_text_and_thinking_are_put_together_each_in_order() -> None:
    told = replay(
        frames_of(
            ("start", {}),
            ("reasoning", {"text": "so "}),
            ("delta", {"text": "a"}),
            ("reasoning", {"text": "then"}),
            ("delta", {"text": "b"}),
            ("usage", {"prompt_tokens": 1, "completion_tokens": 2}),
            ("done", {"status": "completed", "finish_reason": "stop", "saved": True}),
        )
    )
    assert (told.text, told.reasoning, told.usage) == ("ab", "so then", Usage(1, 2))
    assert (told.status, told.reason, told.finish_reason) == (RunStatus.COMPLETED, None, "stop")
    assert told.last_seq == 7


def test_a_snapshot_stands_for_all_before_it_the_prefix_too() -> None:
    snapshot = ("snapshot", {"text": "whole", "reasoning": "thought"})
    frames = frames_of(("delta", {"text": "x"}), snapshot, ("delta", {"text": "!"}))
    told = replay(frames, prefix="lost")
    assert (told.text, told.reasoning) == ("whole!", "thought")
    assert replay(frames[:1], prefix="kept ").text == "kept x"


def test_a_log_without_an_end_is_interrupted_behind_its_last_frame() -> None:
    told = replay(frames_of(("delta", {"text": "x"})))
    assert (told.status, told.reason, told.last_seq) == (RunStatus.INTERRUPTED, OWNER_LOST, 2)
    assert replay([]).last_seq == 1


@pytest.mark.parametrize(
    "data",
    [
        {"reason": "PROVIDER_BROKE", "detail": "…", "saved": True},
        # As versions before this one wrote it.
        {"problem": {"reason": "PROVIDER_BROKE", "status": 502}, "saved": True},
    ],
)
def test_a_failed_run_says_why(data: dict[str, Any]) -> None:
    told = replay(frames_of(("delta", {"text": "x"}), ("error", data)))
    assert (told.status, told.reason, told.text) == (RunStatus.FAILED, "PROVIDER_BROKE", "x")
    assert told.last_seq == 2


def test_what_was_shown_up_to_a_frame_is_what_replaying_up_to_it_gives() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        events: list[tuple[str, dict[str, Any]]] = []
        for _ in range(chance.randrange(1, 12)):
            kind = chance.choice(["delta", "delta", "reasoning", "start", "something new"])
            events.append((kind, {"text": chance.choice("abc")}))
        frames = frames_of(*events)
        answer = Answer()
        for frame in frames:
            answer.take(frame.seq, frame.event, orjson.loads(frame.data))
        for upto in range(len(frames) + 1):
            told = replay(frames[:upto])
            assert answer.before(upto + 1) == (told.text, told.reasoning)


def test_whether_an_answer_was_kept_is_known_from_the_log_and_from_a_snapshot() -> None:
    frames = [Frame(1, "cache", b'{"state":"hit"}'), Frame(2, "delta", b'{"text":"a"}')]
    assert replay(frames).cache is CacheState.HIT
    assert replay(frames[1:]).cache is CacheState.OFF
    answer = Answer()
    for frame in frames:
        answer.take(frame.seq, frame.event, orjson.loads(frame.data))
    assert "cache" not in answer.snapshot_before(1)
    snapshot = Frame(2, "snapshot", encode(answer.snapshot_before(3)))
    assert replay([snapshot]).cache is CacheState.HIT
