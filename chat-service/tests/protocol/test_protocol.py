"""The protocol keeps its promises in every order of steps; broken, or in a worse world, it does not.

What is modelled, and what was found: docs/decisions/0009-the-protocol-as-a-model.md.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from .checker import DEAD_END, explore
from .world import Faults, World

_OWNER = "the owner has shown what is not in the answer"
_ELSEWHERE = "a reader elsewhere has seen what is not in the answer"
_TWICE = "an answer was saved twice"
_NO_BEGINNING = "the answer is not a beginning of what the model said"
_SHOWS_ON = "the owner shows on after a later one has saved"

#: Each fault twice, and any two of them.
_ANY_TWO = Faults(2, outages=2, losses=2, freezes=2, kills=2, cuts=2, lost=2)
_REDIS = Faults(3, outages=2, losses=1, kills=1, lost=1)
_AHEAD_OF_ROWS = Faults(3, outages=2, cuts=1)
_TAKERS = Faults(3, outages=1, freezes=1, kills=2)

_explored = cache(explore)

_BOUNDED = {
    "any two faults": World(_ANY_TWO),
    "Redis away twice, emptied, an answer lost, the owner killed": World(_REDIS, frames=3),
    "a taker dies": World(_TAKERS, takers=2),
    "rounds carry a part": World(_REDIS._replace(total=2), frames=3, partial_rounds=True),
    "the model does not end": World(_REDIS._replace(cuts=1, total=2), frames=3, ends=False),
}
_LONG = {
    "any three faults": World(
        Faults(3, outages=2, losses=1, freezes=1, kills=2, cuts=1, lost=2), frames=2
    ),
    "any three faults and two takers": World(
        Faults(3, outages=1, freezes=2, kills=2, cuts=1, lost=1), takers=2
    ),
    "four faults of Redis": World(
        Faults(4, outages=2, losses=1, kills=1, lost=2), frames=3, partial_rounds=True
    ),
}


@pytest.mark.parametrize("world", _BOUNDED.values(), ids=_BOUNDED)
def test_whatever_the_order_of_steps_all_promises_hold(world: World) -> None:
    found = _explored(world)
    assert not found.flaw, str(found)


@pytest.mark.faults
@pytest.mark.parametrize("world", _LONG.values(), ids=_LONG)
def test_with_more_faults_all_promises_hold(world: World) -> None:
    found = explore(world)
    assert not found.flaw, str(found)


_WITHOUT: list[tuple[dict[str, Any], Faults, str, list[str]]] = [
    # A run is ended without Redis while its owner shows on, whose claim is not answered.
    (
        {"claims_are_answered": False},
        _AHEAD_OF_ROWS,
        _SHOWS_ON,
        ["taker 1: reads the rows alone", "taker 1: saves", "no answer to the release"],
    ),
    # Rows that could not be released are taken for the whole run.
    (
        {"rows_are_released": False},
        _AHEAD_OF_ROWS,
        _OWNER,
        ["no answer to the release", "taker 1: reads the rows alone", "taker 1: saves"],
    ),
    # Redis loses what it acknowledged, and nobody lives who could write it again.
    (
        {"losses_are_mended": False},
        Faults(3, outages=1, losses=1, kills=1),
        _ELSEWHERE,
        ["Redis loses 1 entries", "the owner is killed", "taker 1: saves"],
    ),
    # The mark goes with the log, and an owner that had written nothing yet wakes.
    (
        {"marks_last": False},
        Faults(2, freezes=1, lost=1),
        _ELSEWHERE,
        ["the owner freezes", "taker 1: deletes the log", "the append is carried out"],
    ),
    (
        {"marks_last": False, "reader_elsewhere": False},
        Faults(2, freezes=1, expiries=1),
        _SHOWS_ON,
        ["the owner freezes", "the log expires", "the owner wakes"],
    ),
    # The log is ahead of the rows when a taker, without it, takes those for the whole run.
    (
        {"readers_wait": False},
        Faults(3, outages=1, kills=1, lost=1),
        _ELSEWHERE,
        ["the append is carried out", "the owner is killed", "taker 1: reads the rows alone"],
    ),
    # Rows are committed behind the release that was to delete them.
    (
        {"spills_end": False, "reader_elsewhere": False},
        Faults(4, outages=2, kills=1, lost=1),
        _OWNER,
        [
            "the spill is given up, and is under way",
            "the release is carried out",
            "the spill that was given up is carried out",
            "taker 1: reads the rows alone",
        ],
    ),
]


@pytest.mark.parametrize(
    ("without", "faults", "flaw", "way"), _WITHOUT, ids=[" ".join(one[0]) for one in _WITHOUT]
)
def test_each_assumption_is_needed_and_its_counterexample_is_found(
    without: dict[str, Any], faults: Faults, flaw: str, way: list[str]
) -> None:
    # None of them needs the model's end, and there is less to look at without.
    sound = World(faults, ends=False)
    world = replace(sound, **without)
    found = explore(world)
    assert found.flaw == flaw, str(found)
    steps = iter(found.way)
    assert all(step in steps for step in way), str(found)
    assert not _explored(sound).flaw


_MUTATIONS = {
    "append_first": (Faults(1, cuts=1), _OWNER),
    "fence": (Faults(1, cuts=1), _ELSEWHERE),
    "mark_first": (Faults(1, cuts=1), _ELSEWHERE),
    "append_asks": (Faults(2, outages=1, kills=1), _NO_BEGINNING),
    "spill_asks": (Faults(2, outages=1, freezes=1, lost=1), _ELSEWHERE),
    "save_asks": (Faults(1, lost=1), _TWICE),
    "release_first": (Faults(3, outages=2, kills=1), _OWNER),
    "release_asks": (Faults(3, outages=2, kills=1), _OWNER),
    "uncertain_rows_count": (_AHEAD_OF_ROWS, _SHOWS_ON),
    "blind_is_whole": (Faults(2, outages=1, kills=1), _ELSEWHERE),
    "snapshots_mend": (Faults(2, outages=1, losses=1), DEAD_END),
}


@pytest.mark.parametrize(("rule", "world"), _MUTATIONS.items(), ids=_MUTATIONS)
def test_a_protocol_without_one_of_its_rules_is_found_out(
    rule: str, world: tuple[Faults, str]
) -> None:
    faults, flaw = world
    # A snapshot mends only what has left the owner's memory.
    frames = 3 if rule == "snapshots_mend" else 2
    sound = World(faults, frames=frames, ends=rule == "save_asks")
    assert not _explored(sound).flaw
    found = explore(replace(sound, broken=frozenset({rule})))
    assert found.flaw == flaw, str(found)


@pytest.mark.parametrize("faults", [_AHEAD_OF_ROWS, Faults(4, outages=2, kills=1, lost=1)])
def test_with_the_proposal_four_assumptions_are_not_needed(faults: Faults) -> None:
    world = World(
        faults,
        ends=False,
        claims_are_answered=False,
        rows_are_released=False,
        readers_wait=False,
        spills_end=False,
    )
    assert explore(world).flaw
    found = explore(replace(world, asks_first=True))
    assert not found.flaw, str(found)
