"""A channel by itself: what is put on it, what comes in one message, and what is detached."""

import asyncio
from collections.abc import Sequence
from typing import Any

from chassis.testing import sample
from chat_service.answer.domain.frame import Frame
from chat_service.streaming.log.window import Window
from chat_service.streaming.read.channel import Batch, FrameChannel, FrameChannels
from chat_service.streaming.timings import SHIPPED


def _show(window: Window, *events: str, data: bytes = b"{}") -> None:
    for event in events:
        window.show(Frame(window.last + 1, event, data))
    window.wake()


def _told(batches: Sequence[Batch]) -> list[tuple[int, list[int], bool]]:
    return [
        (batch.subscription, [frame.seq for frame in batch.frames], batch.detached)
        for batch in batches
    ]


async def _next(batches: Any) -> list[tuple[int, list[int], bool]]:
    async with asyncio.timeout(30):
        return _told(await anext(batches))


async def test_what_several_runs_showed_comes_at_once_and_once() -> None:
    channel, first, second = FrameChannel(), Window(), Window()
    channel.subscribe(1, first)
    channel.subscribe(2, second)
    batches = channel.batches()
    _show(first, "start", "delta")
    _show(second, "start")
    assert await _next(batches) == [(1, [1, 2], False), (2, [1], False)]
    _show(second, "delta")
    assert await _next(batches) == [(2, [2], False)]


async def test_the_metric_tells_how_many_runs_go_by_channels() -> None:
    before = sample("chat_channel_runs") or 0
    channel, first, second = FrameChannel(), Window(), Window()

    def told() -> float:
        return (sample("chat_channel_runs") or 0) - before

    channel.subscribe(1, first)
    channel.subscribe(2, second)
    assert told() == 2
    channel.subscribe(2, second)
    assert told() == 2
    channel.unsubscribe([1, 9])
    assert told() == 1
    _show(second, "start", "done")
    await _next(channel.batches())
    assert told() == 0
    channel.clear()
    assert told() == 0


async def test_a_run_that_has_shown_something_begins_with_its_first_frame() -> None:
    channel, window = FrameChannel(), Window()
    _show(window, "start", "delta", "done")
    channel.subscribe(7, window)
    assert await _next(channel.batches()) == [(7, [1, 2, 3], False)]
    assert window.watchers == []


async def test_the_same_ticket_again_begins_again() -> None:
    channel, window = FrameChannel(), Window()
    channel.subscribe(1, window)
    batches = channel.batches()
    _show(window, "start")
    assert await _next(batches) == [(1, [1], False)]
    channel.subscribe(1, window)
    _show(window, "delta")
    assert await _next(batches) == [(1, [1, 2], False)]
    assert len(window.watchers) == 1


async def test_a_run_that_ends_without_a_word_is_detached() -> None:
    channel, window = FrameChannel(), Window()
    channel.subscribe(1, window)
    _show(window, "start")
    window.end()
    assert await _next(channel.batches()) == [(1, [1], True)]
    assert window.watchers == []


async def test_while_a_channel_is_full_frames_wait_where_they_are_and_then_are_detached() -> None:
    channel, slow, quick = FrameChannel(), Window(), Window()
    channel.subscribe(1, slow)
    channel.subscribe(2, quick)
    batches = channel.batches()
    _show(slow, "start")
    assert await _next(batches) == [(1, [1], False)]
    # Nobody takes the next message until the window has moved on.
    _show(slow, *["delta"] * 4, data=b"x" * (SHIPPED.window_bytes // 3))
    _show(quick, "start")
    assert await _next(batches) == [(1, [], True), (2, [1], False)]
    assert slow.watchers == []


async def test_a_message_has_some_of_each_run_and_the_next_one_goes_on() -> None:
    channel, much, little = FrameChannel(), Window(), Window()
    channel.subscribe(1, much)
    channel.subscribe(2, little)
    _show(much, *["delta"] * 3, data=b"x" * 30_000)
    _show(little, "start", "done")
    # Its end among them, it is carried to that.
    _show(much, "done")
    batches = channel.batches()
    assert await _next(batches) == [(1, [1, 2], False), (2, [1, 2], False)]
    assert len(much.watchers) == 1
    assert await _next(batches) == [(1, [3, 4], False)]
    assert much.watchers == []


async def test_of_a_run_that_was_abandoned_all_that_was_shown_comes_before_it_is_detached() -> None:
    channel, window = FrameChannel(), Window()
    channel.subscribe(1, window)
    _show(window, *["delta"] * 3, data=b"x" * 30_000)
    window.end()
    batches = channel.batches()
    assert await _next(batches) == [(1, [1, 2], False)]
    assert await _next(batches) == [(1, [3], True)]


async def test_a_monstrous_frame_is_detached_rather_than_break_the_others() -> None:
    channel, window = FrameChannel(), Window()
    channel.subscribe(1, window)
    _show(window, "snapshot", data=b"x" * (5 * 1024 * 1024))
    assert await _next(channel.batches()) == [(1, [], True)]


async def test_a_message_is_bounded_and_the_rest_comes_in_the_next() -> None:
    channel, windows = FrameChannel(), [Window() for _ in range(12)]
    for subscription, window in enumerate(windows):
        channel.subscribe(subscription, window)
    for window in windows:
        _show(window, "delta", data=b"x" * 200_000)
    batches = channel.batches()
    first, second = await _next(batches), await _next(batches)
    assert 0 < len(first) < 12
    assert [subscription for subscription, _, _ in first + second] == list(range(12))


async def test_what_has_left_is_sent_no_more() -> None:
    channel, first, second = FrameChannel(), Window(), Window()
    channel.subscribe(1, first)
    channel.subscribe(2, second)
    channel.unsubscribe([1, 99])
    _show(first, "start")
    _show(second, "start")
    assert await _next(channel.batches()) == [(2, [1], False)]
    assert first.watchers == []


async def test_a_closed_channel_ends_behind_what_is_to_be_seen() -> None:
    channels, window = FrameChannels(), Window()
    with channels.open("g") as channel:
        channel.subscribe(1, window)
        _show(window, "start")
        channels.close()
        assert channels.of("g") is None
        assert [_told(batches) async for batches in channel.batches()] == [[(1, [1], False)]]
    assert window.watchers == []
    with channels.open("g") as late:
        assert [_told(batches) async for batches in late.batches()] == []


async def test_a_closed_channel_ends_behind_what_takes_several_messages() -> None:
    channel, window = FrameChannel(), Window()
    channel.subscribe(1, window)
    # Of one run, a message has 64 KiB.
    _show(window, "delta", "delta", "done", data=b"w" * 40 * 1024)
    channel.close()
    told = [told async for batches in channel.batches() for told in _told(batches)]
    assert told == [(1, [1], False), (1, [2], False), (1, [3], False)]


async def test_the_newest_channel_of_a_gateway_is_the_one_to_subscribe_on() -> None:
    channels = FrameChannels()
    with channels.open("g") as old:
        with channels.open("g") as new:
            assert channels.of("g") is new
        assert channels.of("g") is old
        assert channels.of("other") is None
    assert channels.of("g") is None


async def test_of_what_has_left_nothing_is_kept_however_it_left() -> None:
    channels, windows = FrameChannels(), [Window() for _ in range(4)]
    with channels.open("gateway-1") as channel:
        for number, window in enumerate(windows):
            channel.subscribe(number, window)
        batches = channel.batches()
        _show(windows[0], "start", "done")
        _show(windows[1], "start")
        channel.unsubscribe((1, 99))
        windows[2].end()
        assert await _next(batches) == [(0, [1, 2], False), (2, [], True)]
        assert channels.held == {"gateways with channels": 1, "runs on channels": 1}
        assert [window.readers for window in windows] == [0, 0, 0, 1]
        with channels.open("gateway-1"):
            pass
        assert channels.of("gateway-1") is channel
    assert channels.held == {"gateways with channels": 0, "runs on channels": 0}
    assert [window.readers for window in windows] == [0, 0, 0, 0]
    assert channels.of("gateway-1") is None


async def test_who_has_left_is_sent_nothing_that_was_about_to_be_sent() -> None:
    channel, leaving, staying = FrameChannel(), Window(), Window()
    channel.subscribe(1, leaving)
    channel.subscribe(2, staying)
    _show(leaving, "start")
    _show(staying, "start")
    channel.unsubscribe((1,))
    assert await _next(channel.batches()) == [(2, [1], False)]
