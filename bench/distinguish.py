"""How well two kinds of request can be told apart by how long they take."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, variance

# Of a standard normal distribution: 99 % lie within, two-sided.
_Z99 = 2.5758


@dataclass(frozen=True, slots=True)
class Distinction:
    """``auc``: how often who guesses "the slower one" (or "the faster one", whichever serves
    better) is right, where half the time is chance; ``lower`` is its 99 % lower bound.
    """

    auc: float
    lower: float
    # Medians, seconds.
    first: float
    second: float


def distinguish(first: Sequence[float], second: Sequence[float]) -> Distinction:
    """The area under the ROC curve of two samples, bounded after DeLong et al. (1988).

    Each needs two values at least. A lower bound of 0.5 or less means: not told apart.
    """
    above = _placements(first, second)
    below = _placements(second, first)
    auc = fmean(above)
    error = math.sqrt(variance(above) / len(above) + variance(below) / len(below))
    best = max(auc, 1 - auc)
    return Distinction(best, best - _Z99 * error, median(first), median(second))


def _placements(values: Sequence[float], others: Sequence[float]) -> list[float]:
    """For each value the share of ``others`` that lies below it, ties by half."""
    ordered = sorted(others)
    return [
        (bisect_left(ordered, value) + bisect_right(ordered, value)) / (2 * len(ordered))
        for value in values
    ]
