"""Frames in PostgreSQL: kept for whoever owns the run, seen by whoever takes it over."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chat_service.answer.domain.frame import Frame, connected, merged
from chat_service.runs.domain.run import Run
from chat_service.runs.store.erasure import DeleteConversations, end_live_runs
from chat_service.streaming.domain import Claim, FallbackFrames, Standing
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.store.replicas import Replicas


def frames(first: int, last: int) -> list[Frame]:
    return [Frame(seq, "delta", b'{"text":"%d"}' % seq) for seq in range(first, last + 1)]


@pytest.fixture
def kept(chat: Any) -> FallbackLog:
    return FallbackLog(chat.worker)


async def accepted(chat: Any, caller: Caller) -> Run:
    run: Run = (await chat.accept(caller, None)).run
    return run


async def test_frames_are_kept_for_the_runs_owner_and_again_changes_nothing(
    chat: Any, caller: Caller, kept: FallbackLog
) -> None:
    run, other = await accepted(chat, caller), await accepted(chat, caller)
    appends = [FallbackFrames(run.id, 1, frames(1, 3)), FallbackFrames(other.id, 1, frames(4, 4))]
    assert await kept.append(appends) == [Standing.OURS, Standing.OURS]
    assert await kept.append([FallbackFrames(run.id, 1, frames(2, 5))]) == [Standing.OURS]
    assert await kept.read(run.id, 0) == frames(1, 5)
    assert await kept.read(run.id, 3) == frames(4, 5)
    assert await kept.read(other.id, 0) == frames(4, 4)


async def test_a_snapshot_takes_the_place_of_what_its_number_had(
    chat: Any, caller: Caller, kept: FallbackLog
) -> None:
    run = await accepted(chat, caller)
    await kept.append([FallbackFrames(run.id, 1, frames(3, 5))])
    snapshot = Frame(4, "snapshot", b"{}")
    await kept.append([FallbackFrames(run.id, 1, [snapshot, *frames(5, 6)])])
    await kept.append([FallbackFrames(run.id, 1, frames(4, 4))])
    assert await kept.read(run.id, 3) == [snapshot, *frames(5, 6)]


async def test_only_the_owner_of_a_live_run_may_keep_or_release_frames(
    chat: Any, caller: Caller, kept: FallbackLog
) -> None:
    taken, ended = await accepted(chat, caller), await accepted(chat, caller)
    await kept.append([FallbackFrames(taken.id, 1, frames(1, 2))])
    assert await Replicas(chat.worker).take_over(taken, "replica-2")
    assert await chat.finish(ended)
    gone = new_id()
    appends = [FallbackFrames(run_id, 1, frames(3, 3)) for run_id in (taken.id, ended.id, gone)]
    expected = [Standing.LOST, Standing.ENDED, Standing.LOST]
    assert await kept.append(appends) == expected
    assert await kept.release([Claim(append.run_id, 1, 9) for append in appends]) == expected
    assert await kept.read(taken.id, 0) == frames(1, 2)
    assert await kept.append([FallbackFrames(taken.id, 2, frames(3, 3))]) == [Standing.OURS]


@pytest.mark.parametrize("by", ["UPDATE", "NO KEY UPDATE"], ids=["an erasure", "a taker"])
async def test_a_run_whose_row_somebody_holds_is_not_waited_for(
    chat: Any, caller: Caller, kept: FallbackLog, by: str
) -> None:
    held, free = await accepted(chat, caller), await accepted(chat, caller)
    async with chat.app.transaction(caller) as connection:
        row = text(f"SELECT id FROM runs WHERE id = :id FOR {by}")
        assert (await connection.execute(row, {"id": held.id})).one()
        appends = [
            FallbackFrames(held.id, 1, frames(1, 1)),
            FallbackFrames(free.id, 1, frames(1, 1)),
        ]
        assert await kept.append(appends) == [Standing.BUSY, Standing.OURS]
        assert await kept.read(held.id, 0) == []
    assert await kept.append(appends[:1]) == [Standing.OURS]


async def test_nothing_is_released_while_a_transaction_with_frames_is_under_way(
    chat: Any, caller: Caller, kept: FallbackLog
) -> None:
    """It may have been given up, and be committed yet."""
    run = await accepted(chat, caller)
    async with chat.worker.transaction() as connection:
        # The lock that an append holds.
        row = text("SELECT id FROM runs WHERE id = :id FOR SHARE")
        assert (await connection.execute(row, {"id": run.id})).all()
        assert await kept.release([Claim(run.id, 1, 9)]) == [Standing.BUSY]
        assert await kept.append([FallbackFrames(run.id, 1, frames(1, 1))]) == [Standing.OURS]
    assert await kept.release([Claim(run.id, 1, 9)]) == [Standing.OURS]


async def test_released_frames_are_gone_and_ended_runs_are_swept(
    chat: Any, caller: Caller, kept: FallbackLog
) -> None:
    live, ended = await accepted(chat, caller), await accepted(chat, caller)
    await kept.append(
        [FallbackFrames(live.id, 1, frames(1, 4)), FallbackFrames(ended.id, 1, frames(1, 4))]
    )
    assert await kept.release([Claim(live.id, 1, 3)]) == [Standing.OURS]
    await chat.finish(ended)
    looks = await kept.look({live.id: 0, ended.id: 2, new_id(): 0})
    assert set(looks) == {live.id, ended.id}
    assert (looks[live.id].running, looks[live.id].frames) == (True, frames(4, 4))
    assert (looks[ended.id].running, looks[ended.id].frames) == (False, frames(3, 4))
    await kept.sweep()
    assert await kept.read(ended.id, 0) == []
    assert await kept.read(live.id, 0) == frames(4, 4)


async def no_logs(run_ids: Sequence[UUID]) -> None: ...


async def test_an_erased_users_frames_go_with_the_runs(
    chat: Any, caller: Caller, kept: FallbackLog
) -> None:
    run = await accepted(chat, caller)
    await kept.append([FallbackFrames(run.id, 1, frames(1, 4))])
    erasing = chat.erasing(run)
    await end_live_runs(erasing)
    await DeleteConversations(no_logs)(erasing)
    assert await kept.read(run.id, 0) == []
    assert await kept.append([FallbackFrames(run.id, 1, frames(5, 5))]) == [Standing.LOST]


def test_two_places_make_one_history_and_a_hole_ends_it() -> None:
    snapshot = Frame(3, "snapshot", b"{}")
    assert merged(frames(1, 3), frames(3, 5)) == frames(1, 5)
    assert merged([snapshot], frames(3, 4)) == [snapshot, *frames(4, 4)]
    assert merged(frames(3, 4), [snapshot]) == [snapshot, *frames(4, 4)]
    assert connected(frames(1, 4), 2) == frames(3, 4)
    assert connected([*frames(1, 2), *frames(4, 5)], 0) == frames(1, 2)
    assert connected([snapshot, *frames(4, 5)], 0) == [snapshot, *frames(4, 5)]
