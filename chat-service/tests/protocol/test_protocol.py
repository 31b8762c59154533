"""The protocol keeps its promises in every order of steps; broken, or in a worse world, it does not.

What is modelled, and what was found: docs/decisions/0009-the-protocol-as-a-model.md.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from .checker import DEAD_END, explore
from .world import Faults, World

pytestmark = pytest.mark.slow

_OWNER = "the owner has shown what is not in the answer"
_ELSEWHERE = "a reader elsewhere has seen what is not in the answer"
_TWICE = "an answer was saved twice"
_NO_BEGINNING = "the answer is not a beginning of what the model said"
_SHOWS_ON = "the owner shows on after a later one has saved"

#: Each fault twice, and any two of them.
_ANY_TWO = Faults(2, outages=2, losses=2, freezes=2, kills=2, cuts=2, lost=2)
_REDIS = Faults(3, outages=2, losses=1, kills=1, lost=1)
_AHEAD_OF_ROWS = Faults(3, outages=2, cuts=1)
_BEHIND_THE_RELEASE = Faults(4, outages=2, kills=1, lost=1)
_TAKERS = Faults(3, outages=1, freezes=1, kills=2)
_LONG_FROZEN = Faults(2, freezes=1, expiries=1)

_explored = cache(explore)

_BOUNDED = {
    "any two faults": World(_ANY_TWO),
    "Redis away twice, emptied, an answer lost, the owner killed": World(_REDIS, frames=3),
    "a taker dies": World(_TAKERS, takers=2),
    "flushes carry a part": World(_REDIS._replace(total=2), frames=3, partial_flushes=True),
    "the model does not end": World(_REDIS._replace(cuts=1, total=2), frames=3, ends=False),
    "the mark expires, nobody reads on, PostgreSQL answers": World(
        _LONG_FROZEN._replace(total=3, cuts=1, lost=1),
        marks_last=False,
        reader_elsewhere=False,
        claims_are_answered=True,
    ),
}
_LONG = {
    "any three faults": World(
        Faults(3, outages=2, losses=1, freezes=1, kills=2, cuts=1, lost=2), frames=2
    ),
    "any three faults and two takers": World(
        Faults(3, outages=1, freezes=2, kills=2, cuts=1, lost=1), takers=2
    ),
    "four faults of Redis": World(
        Faults(4, outages=2, losses=1, kills=1, lost=2), frames=3, partial_flushes=True
    ),
    "the mark expires, Redis goes away": World(
        _LONG_FROZEN._replace(total=3, outages=1, cuts=1, lost=1),
        marks_last=False,
        reader_elsewhere=False,
        claims_are_answered=True,
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
    # Redis loses what it acknowledged, and nobody lives who could write it again.
    (
        {"losses_are_repaired": False},
        Faults(3, outages=1, losses=1, kills=1),
        _ELSEWHERE,
        ["Redis loses 1 entries", "the owner is killed", "taker 1: saves"],
    ),
    # The mark goes with the log, and an owner that had written nothing yet asks behind its append.
    (
        {"marks_last": False},
        _LONG_FROZEN,
        _ELSEWHERE,
        ["the owner freezes", "the log expires", "the append is carried out"],
    ),
    # Or it asks, and gets no answer.
    (
        {"marks_last": False, "reader_elsewhere": False},
        _LONG_FROZEN._replace(total=3, cuts=1),
        _SHOWS_ON,
        ["the log expires", "the owner wakes", "no answer to the release"],
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
    _assert_found(replace(sound, **without), flaw, way)
    assert not _explored(sound).flaw


def _assert_found(world: World, flaw: str, way: list[str]) -> None:
    found = explore(world)
    assert found.flaw == flaw, str(found)
    steps = iter(found.way)
    assert all(step in steps for step in way), str(found)


#: The rule of before, and all that had to be assumed with it.
_BLIND = World(
    _ANY_TWO,
    ends=False,
    claims_are_answered=True,
    rows_are_released=True,
    readers_wait=True,
    fallbacks_end=True,
    broken=frozenset({"waits_for_redis"}),
)
_WITH_A_BLIND_TAKER: list[tuple[dict[str, Any], Faults, str, list[str]]] = [
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
    # The log is ahead of the rows when a taker, without it, takes those for the whole run.
    (
        {"readers_wait": False},
        Faults(3, outages=1, kills=1, lost=1),
        _ELSEWHERE,
        ["the append is carried out", "the owner is killed", "taker 1: reads the rows alone"],
    ),
    # Rows come behind the release that was to delete them.
    (
        {"fallbacks_end": False},
        _BEHIND_THE_RELEASE,
        _OWNER,
        [
            "the fallback is given up, and is under way",
            "the release is carried out",
            "the fallback that was given up is carried out",
            "taker 1: reads the rows alone",
        ],
    ),
]


@pytest.mark.parametrize(
    ("without", "faults", "flaw", "way"),
    _WITH_A_BLIND_TAKER,
    ids=[" ".join(one[0]) for one in _WITH_A_BLIND_TAKER],
)
def test_a_taker_that_does_without_redis_needs_what_one_that_waits_does_not(
    without: dict[str, Any], faults: Faults, flaw: str, way: list[str]
) -> None:
    elsewhere = "fallbacks_end" not in without
    blind = replace(_BLIND, faults=faults, reader_elsewhere=elsewhere)
    _assert_found(replace(blind, **without), flaw, way)
    assert not _explored(blind).flaw
    # Nothing of the kind is assumed of it.
    assert not _explored(World(faults, ends=False)).flaw


_MUTATIONS = {
    "append_first": (Faults(1, cuts=1), _OWNER),
    "fence": (Faults(1, cuts=1), _ELSEWHERE),
    "mark_first": (Faults(1, cuts=1), _ELSEWHERE),
    "mark_stays": (Faults(2, freezes=1, lost=1), _ELSEWHERE),
    "waits_for_redis": (Faults(3, outages=1, kills=1, lost=1), _ELSEWHERE),
    "append_asks": (Faults(2, outages=1, kills=1), _NO_BEGINNING),
    "fallback_asks": (Faults(2, outages=1, freezes=1, lost=1), _ELSEWHERE),
    "save_asks": (Faults(1, lost=1), _TWICE),
    "snapshots_repair": (Faults(2, outages=1, losses=1), DEAD_END),
}


@pytest.mark.parametrize(("rule", "world"), _MUTATIONS.items(), ids=_MUTATIONS)
def test_a_protocol_without_one_of_its_rules_is_found_out(
    rule: str, world: tuple[Faults, str]
) -> None:
    faults, flaw = world
    # A snapshot mends only what has left the owner's memory.
    frames = 3 if rule == "snapshots_repair" else 2
    _assert_needed(World(faults, frames=frames, ends=rule == "save_asks"), rule, flaw)


def _assert_needed(sound: World, rule: str, flaw: str) -> None:
    assert not _explored(sound).flaw
    found = explore(replace(sound, broken=sound.broken | {rule}))
    assert found.flaw == flaw, str(found)


@pytest.mark.parametrize("rule", ["thaw_asks", "release_asks", "release_first"])
def test_an_owner_that_stood_still_for_long_has_to_ask_before_it_shows_more(rule: str) -> None:
    sound = World(_LONG_FROZEN, ends=False, marks_last=False, reader_elsewhere=False)
    _assert_needed(sound, rule, _SHOWS_ON)


_FOR_A_BLIND_TAKER = {
    "release_first": (_BEHIND_THE_RELEASE, _OWNER),
    "release_asks": (_BEHIND_THE_RELEASE, _OWNER),
    "release_waits": (_BEHIND_THE_RELEASE, _OWNER),
    "uncertain_rows_count": (_AHEAD_OF_ROWS, _SHOWS_ON),
}


@pytest.mark.parametrize(("rule", "world"), _FOR_A_BLIND_TAKER.items(), ids=_FOR_A_BLIND_TAKER)
def test_what_is_in_the_rows_and_when_matters_only_to_a_taker_without_redis(
    rule: str, world: tuple[Faults, str]
) -> None:
    faults, flaw = world
    _assert_needed(replace(_BLIND, faults=faults, reader_elsewhere=False), rule, flaw)
    for there in (faults, _ANY_TWO):
        found = explore(World(there, ends=False, broken=frozenset({rule})))
        assert not found.flaw, str(found)
