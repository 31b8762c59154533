"""What a window keeps: counted byte by byte, whatever is shown in it."""

import random
from collections.abc import Sequence

import pytest

from chat_service.answer.domain.frame import DELTA, DONE, SNAPSHOT, Frame
from chat_service.streaming.log.window import Window

KEPT = 100


def _newest(frames: Sequence[Frame], most: int) -> list[Frame]:
    """As many of the newest as have together no more than ``most`` bytes."""
    fit: list[Frame] = []
    for frame in reversed(frames):
        if sum(len(one.data) for one in (frame, *fit)) > most:
            break
        fit.insert(0, frame)
    return fit


def _shown(seed: int) -> tuple[Window, list[Frame]]:
    """A window in which much was shown, leaps included, and what was shown since the last leap."""
    dice = random.Random(seed)
    window, since = Window(bytes_kept=KEPT), list[Frame]()
    for _ in range(dice.randrange(1, 60)):
        leaps = dice.random() < 0.1
        number = window.last + 1 + (dice.randrange(1, 5) if leaps else 0)
        size = dice.choice([0, 1, 7, 40, KEPT - 1, KEPT, KEPT + 1])
        frame = Frame(number, SNAPSHOT if leaps else DELTA, b"x" * size)
        since = [frame] if leaps else [*since, frame]
        window.show(frame)
        assert list(window.frames) == (_newest(since, KEPT) or since[-1:])
        assert window.last == number
    return window, since


@pytest.mark.parametrize("seed", range(20))
def test_it_keeps_the_newest_frames_that_fit_and_one_in_any_case(seed: int) -> None:
    window, since = _shown(seed)
    assert list(window.frames) == (_newest(since, KEPT) or since[-1:])


@pytest.mark.parametrize("seed", range(20))
def test_what_is_behind_a_number_is_all_of_it_or_has_to_be_looked_for_elsewhere(seed: int) -> None:
    window, since = _shown(seed)
    kept = list(window.frames)
    for after in range(window.last + 2):
        behind = window.behind(after)
        if after >= window.last:
            assert behind == ()
        elif kept[0].seq <= after + 1:
            assert behind == [frame for frame in kept if frame.seq > after]
        elif kept[0].event == SNAPSHOT and kept[0].seq == since[0].seq:
            # It stands for everything before it.
            assert behind == kept
        else:
            assert behind is None


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("most", [0, 1, 8, 50, KEPT, 2 * KEPT])
def test_its_tail_is_what_fits_of_the_frames_in_front_of_a_number(seed: int, most: int) -> None:
    window, _ = _shown(seed)
    for before in range(window.last + 2):
        front = [frame for frame in window.frames if frame.seq < before]
        assert window.tail(before, most) == _newest(front, most)


def test_a_terminal_frame_ends_it_and_no_other_does() -> None:
    window = Window()
    window.show(Frame(1, DELTA, b"{}"))
    assert not window.ended
    window.show(Frame(2, DONE, b"{}"))
    assert window.ended


async def test_who_waits_is_told_of_news_and_of_the_end_and_waits_for_neither_behind_it() -> None:
    window = Window()
    window.show(Frame(1, DELTA, b"{}"))
    await window.wait_behind(0)
    window.end()
    await window.wait_behind(1)
    assert window.readers == 0
