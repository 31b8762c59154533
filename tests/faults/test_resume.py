"""A reader cut at any byte goes on at another replica, and is shown every event exactly once."""

import asyncio
import random
import re

import pytest

from tests.client import User

from .cluster import Cluster
from .judge import run_is_true
from .turn import Turn

_READERS = 10
# From within the first event's number to some events at once.
_MOST_BYTES = 500
_LOG_WAS_AWAY = re.compile(r'"event": ?"log\.(away|read_failed)"')
# The streams last as long as their cuts, whatever else the machine has to do.
_MODEL = "endless-at-60"


async def read_in_pieces(turn: Turn, user: User, rng: random.Random, cuts: int) -> int:
    """Read one answer over ``cuts`` connections, then cancel it; how many were cut while it ran."""
    reader, live = turn.reader, 0
    await turn.ask(gateway=0, cut_after=rng.randint(1, _MOST_BYTES))
    for number in range(1, cuts):
        if reader.ended:
            break
        live += 1
        await asyncio.to_thread(
            reader.resume, gateway=number, cut_after=rng.randint(1, _MOST_BYTES)
        )
    path = f"/api/v1/chat/runs/{reader.run_id}/cancel"
    assert (await asyncio.to_thread(user.http.post, path)).status_code == 202
    await asyncio.to_thread(reader.read_to_end)
    return live


async def cut_and_judge(cluster: Cluster, user: User, cuts: int) -> None:
    each = cuts // _READERS
    turns = [Turn(cluster, user, _MODEL) for _ in range(_READERS)]
    live = await asyncio.gather(
        *(read_in_pieces(turn, user, random.Random(seed), each) for seed, turn in enumerate(turns))
    )
    assert sum(live) >= cuts * 0.9, "too few cuts fell into live streams"
    for turn in turns:
        run_is_true(cluster, turn, status="cancelled")
        assert cluster.calls(turn.model) == 1
        await is_what_an_uncut_reader_is_shown(cluster, turn)


async def is_what_an_uncut_reader_is_shown(cluster: Cluster, turn: Turn) -> None:
    pieces, text = (
        [(each.seq, each.event, each.data) for each in turn.reader.shown],
        turn.reader.text,
    )
    turn.reader.shown.clear()
    await asyncio.to_thread(turn.reader.resume)
    shown = [(each.seq, each.event, each.data) for each in turn.reader.shown]
    if shown != pieces:
        # Where the machine stood still for longer than an append may take, Redis was away, and whoever comes
        # behind the end of a run may be shown a snapshot in place of events: the same words, and the same end.
        assert _LOG_WAS_AWAY.search(cluster.news), (shown, pieces)
        assert (turn.reader.text, shown[-1]) == (text, pieces[-1])


async def test_cut_at_any_byte_a_reader_is_shown_every_event_once(
    cluster: Cluster, user: User
) -> None:
    await cut_and_judge(cluster, user, 100)


@pytest.mark.faults
async def test_a_thousand_cuts_show_every_event_once(cluster: Cluster, user: User) -> None:
    await cut_and_judge(cluster, user, 1000)


async def test_connections_that_are_reset_behind_the_gateway_lose_and_repeat_nothing(
    cluster: Cluster, user: User
) -> None:
    """The edges between gateways and chat-service, not those that a client sees."""

    def reset(_reader: object, shown: object) -> None:
        if turn.reader.deltas in (5, 15, 25):
            for edge in cluster.chat_edges:
                edge.drop()

    turn = Turn(cluster, user, "tokens-200-at-60", on_event=reset)
    await turn.ask_to_the_end()
    assert sum(edge.hit for edge in cluster.chat_edges)
    # The gateway goes on reading by itself; its client does not even notice.
    assert not turn.reader.breaks
    run_is_true(cluster, turn, status="completed")
    assert cluster.calls(turn.model) == 1
