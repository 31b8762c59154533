"""A rate limit in memory: so many in a window, for each subject by itself."""

import pytest

from chassis.rate_limit import RateLimit


class Clock:
    """Shows what a test has set it to."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_so_many_have_room_in_a_window_and_the_next_waits_for_its_end(clock: Clock) -> None:
    limit = RateLimit(2, 60.0, now=clock)
    limit.note("ada")
    clock.seconds += 20
    assert limit.wait("ada") is None
    limit.note("ada")
    # The window began with the first of them.
    assert limit.wait("ada") == 41
    assert limit.wait("eve") is None
    clock.seconds += 39.5
    assert limit.wait("ada") == 1
    clock.seconds += 0.5
    assert limit.wait("ada") is None


def test_a_window_that_has_ended_is_followed_by_another_like_it(clock: Clock) -> None:
    limit = RateLimit(2, 60.0, now=clock)
    for _ in range(3):
        # What was noted beyond the limit does not count against the next window.
        for _ in range(3):
            limit.note("ada")
        assert limit.wait("ada") == 61
        clock.seconds += 60
        assert limit.wait("ada") is None
        limit.note("ada")
        assert limit.wait("ada") is None
        clock.seconds += 60


def test_of_too_many_subjects_the_one_that_was_noted_longest_ago_is_forgotten(
    clock: Clock,
) -> None:
    limit = RateLimit(1, 60.0, subjects=3, now=clock)
    for subject in ("ada", "bob", "eve", "ada", "kim"):
        limit.note(subject)
    full = [subject for subject in ("ada", "bob", "eve", "kim") if limit.wait(subject)]
    assert full == ["ada", "eve", "kim"]
