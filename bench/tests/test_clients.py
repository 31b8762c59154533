"""Clients that ask over and over."""

import threading

import pytest

from bench.clients import UnexpectedAnswerError, for_seconds


def test_every_call_is_counted_and_each_is_made_by_a_thread_of_its_own() -> None:
    made: dict[int, int] = {}
    both = threading.Barrier(2)

    def call() -> None:
        if threading.get_ident() not in made:
            # Passed only if the other thread calls too.
            both.wait(10)
        made[threading.get_ident()] = made.get(threading.get_ident(), 0) + 1

    rounds = for_seconds([call, call], 0.05)

    assert len(made) == 2
    assert len(rounds.seconds) == sum(made.values())
    assert rounds.a_second == pytest.approx(len(rounds.seconds) / rounds.elapsed)
    assert rounds.elapsed >= max(rounds.seconds)


def test_what_a_call_raises_is_raised() -> None:
    def fail() -> None:
        raise UnexpectedAnswerError("500")

    with pytest.raises(UnexpectedAnswerError, match="500"):
        for_seconds([fail, lambda: None], 0.5)
