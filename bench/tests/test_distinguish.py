"""Whether two samples can be told apart, where the answer is known."""

import random

import pytest

from bench.distinguish import distinguish


def test_samples_of_one_kind_are_not_told_apart() -> None:
    chance = random.Random(7)
    told_apart = 0
    for _ in range(100):
        first, second = ([chance.gauss(10, 1) for _ in range(300)] for _ in range(2))
        result = distinguish(first, second)
        assert 0.5 <= result.auc < 0.58
        told_apart += result.lower > 0.5
    # At 99 % one of a hundred may be.
    assert told_apart <= 4


@pytest.mark.parametrize("shift", [0.5, -0.5])
def test_a_shift_is_found_whichever_way_it_goes(shift: float) -> None:
    chance = random.Random(7)
    first = [chance.gauss(10, 1) for _ in range(1000)]
    second = [chance.gauss(10 + shift, 1) for _ in range(1000)]

    result = distinguish(first, second)

    # Of two normal distributions half a deviation apart: Φ(0.5 / √2).
    assert result.auc == pytest.approx(0.638, abs=0.03)
    assert 0.5 < result.lower < result.auc


def test_what_never_overlaps_is_certain_and_what_is_equal_is_chance() -> None:
    apart = distinguish([1.0, 2.0, 3.0], [4.0, 5.0])
    assert (apart.auc, apart.lower, apart.first, apart.second) == (1.0, 1.0, 2.0, 4.5)
    same = distinguish([1.0, 1.0], [1.0, 1.0])
    assert (same.auc, same.lower) == (0.5, 0.5)
