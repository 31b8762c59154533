"""A trunk by itself: what is put on it, what comes in one message, and what is put off."""

import asyncio
from collections.abc import Sequence
from typing import Any

from chat_service.streaming.frame import Frame
from chat_service.streaming.trunk import Load, Trunk, Trunks
from chat_service.streaming.window import WINDOW_BYTES, Window


def _show(window: Window, *events: str, data: bytes = b"{}") -> None:
    for event in events:
        window.show(Frame(window.last + 1, event, data))
    window.wake()


def _told(loads: Sequence[Load]) -> list[tuple[int, list[int], bool]]:
    return [(load.ticket, [frame.seq for frame in load.frames], load.off) for load in loads]


async def _next(loads: Any) -> list[tuple[int, list[int], bool]]:
    async with asyncio.timeout(5):
        return _told(await anext(loads))


async def test_what_several_runs_showed_comes_at_once_and_once() -> None:
    trunk, first, second = Trunk(), Window(), Window()
    trunk.board(1, first)
    trunk.board(2, second)
    loads = trunk.loads()
    _show(first, "start", "delta")
    _show(second, "start")
    assert await _next(loads) == [(1, [1, 2], False), (2, [1], False)]
    _show(second, "delta")
    assert await _next(loads) == [(2, [2], False)]


async def test_a_run_that_has_shown_something_begins_with_its_first_frame() -> None:
    trunk, window = Trunk(), Window()
    _show(window, "start", "delta", "done")
    trunk.board(7, window)
    assert await _next(trunk.loads()) == [(7, [1, 2, 3], False)]
    assert window.watchers == []


async def test_the_same_ticket_again_begins_again() -> None:
    trunk, window = Trunk(), Window()
    trunk.board(1, window)
    loads = trunk.loads()
    _show(window, "start")
    assert await _next(loads) == [(1, [1], False)]
    trunk.board(1, window)
    _show(window, "delta")
    assert await _next(loads) == [(1, [1, 2], False)]
    assert len(window.watchers) == 1


async def test_a_run_that_ends_without_a_word_is_put_off() -> None:
    trunk, window = Trunk(), Window()
    trunk.board(1, window)
    _show(window, "start")
    window.end()
    assert await _next(trunk.loads()) == [(1, [1], True)]
    assert window.watchers == []


async def test_while_a_trunk_is_full_frames_wait_where_they_are_and_then_are_put_off() -> None:
    trunk, slow, quick = Trunk(), Window(), Window()
    trunk.board(1, slow)
    trunk.board(2, quick)
    loads = trunk.loads()
    _show(slow, "start")
    assert await _next(loads) == [(1, [1], False)]
    # Nobody takes the next message until the window has moved on.
    _show(slow, *["delta"] * 4, data=b"x" * (WINDOW_BYTES // 3))
    _show(quick, "start")
    assert await _next(loads) == [(1, [], True), (2, [1], False)]
    assert slow.watchers == []


async def test_a_monstrous_frame_is_put_off_rather_than_break_the_others() -> None:
    trunk, window = Trunk(), Window()
    trunk.board(1, window)
    _show(window, "snapshot", data=b"x" * (5 * 1024 * 1024))
    assert await _next(trunk.loads()) == [(1, [], True)]


async def test_a_message_is_bounded_and_the_rest_comes_in_the_next() -> None:
    trunk, windows = Trunk(), [Window() for _ in range(12)]
    for ticket, window in enumerate(windows):
        trunk.board(ticket, window)
    for window in windows:
        _show(window, "delta", data=b"x" * 200_000)
    loads = trunk.loads()
    first, second = await _next(loads), await _next(loads)
    assert 0 < len(first) < 12
    assert [ticket for ticket, _, _ in first + second] == list(range(12))


async def test_what_has_left_is_sent_no_more() -> None:
    trunk, first, second = Trunk(), Window(), Window()
    trunk.board(1, first)
    trunk.board(2, second)
    trunk.leave([1, 99])
    _show(first, "start")
    _show(second, "start")
    assert await _next(trunk.loads()) == [(2, [1], False)]
    assert first.watchers == []


async def test_a_closed_trunk_ends_behind_what_is_to_be_seen() -> None:
    trunks, window = Trunks(), Window()
    with trunks.open("g") as trunk:
        trunk.board(1, window)
        _show(window, "start")
        trunks.close()
        assert trunks.of("g") is None
        assert [_told(loads) async for loads in trunk.loads()] == [[(1, [1], False)]]
    assert window.watchers == []
    with trunks.open("g") as late:
        assert [_told(loads) async for loads in late.loads()] == []


async def test_the_newest_trunk_of_a_gateway_is_the_one_to_board() -> None:
    trunks = Trunks()
    with trunks.open("g") as old:
        with trunks.open("g") as new:
            assert trunks.of("g") is new
        assert trunks.of("g") is old
        assert trunks.of("other") is None
    assert trunks.of("g") is None
