"""What Redis and PostgreSQL do when they are called: append.lua, fence.lua, store/fallback.py."""

from itertools import pairwise

from .state import (
    EPOCH,
    MARK,
    RUNNING,
    SNAPSHOT,
    Frames,
    State,
    connected,
    is_terminal,
    kind,
    merged,
    place,
)
from .world import World


def append(state: State, epoch: int, frames: Frames, world: World) -> tuple[State, tuple[str, int]]:
    """append.lua, which numbers the frames itself from the first one on."""
    if any(place(one) + 1 != place(two) for one, two in pairwise(frames)):
        state = state._replace(flaw="an append has a hole")
    redis = state.redis
    if redis.log and redis.log[-1] // EPOCH > epoch:
        return state, ("FENCED", 0)
    last = redis.last
    first = frames[0]
    if place(first) > last + 1 and kind(first) != SNAPSHOT and "append_asks" not in world.broken:
        return state, ("GAP", last)
    new = tuple(epoch * EPOCH + frame for frame in frames if place(frame) > last)
    state = state._replace(redis=redis._replace(log=redis.log + new))
    return read_elsewhere(state, world), ("OK", place(frames[-1]))


def mark(state: State, epoch: int) -> State:
    """fence.lua."""
    log = state.redis.log
    if log and log[-1] // EPOCH >= epoch:
        return state
    entry = epoch * EPOCH + MARK + state.redis.last
    return state._replace(redis=state.redis._replace(log=(*log, entry)))


def _standing(state: State, checked: bool) -> str:
    """What a claim of the first owner is worth."""
    if state.postgres.epoch != 1 and checked:
        return "LOST"
    return "OURS" if state.postgres.status == RUNNING else "ENDED"


def append_to_fallback(state: State, frames: Frames, world: World) -> tuple[State, tuple[str, int]]:
    """The transaction that keeps frames in ``run_frames``."""
    standing = _standing(state, "fallback_asks" not in world.broken)
    if standing == "OURS":
        rows = merged(state.postgres.rows, frames)
        state = state._replace(postgres=state.postgres._replace(rows=rows))
        state = read_elsewhere(state, world)
    return state, (standing, 0)


def is_locked(state: State) -> bool:
    """Whether a transaction with frames that its owner gave up still has the run's row."""
    return state.late is not None and state.late[0] == "commit"


def release(state: State, upto: int, world: World) -> tuple[State, tuple[str, int]]:
    """The transaction that deletes rows that the log has, and verifies the epoch."""
    if is_locked(state) and "release_waits" not in world.broken:
        return state, ("BUSY", 0)
    standing = _standing(state, checked=True)
    if standing == "OURS":
        postgres = state.postgres
        rows = tuple(row for row in postgres.rows if place(row) > upto)
        state = state._replace(postgres=postgres._replace(rows=rows))
    return state, (standing, 0)


def save(state: State, epoch: int, status: int, answer: int, world: World) -> tuple[State, bool]:
    """The transaction that ends the run; its rows are swept at once, for brevity."""
    postgres = state.postgres
    mine = postgres.epoch == epoch and postgres.status == RUNNING
    if not mine and "save_asks" not in world.broken:
        return state, False
    postgres = postgres._replace(status=status, answer=answer, saves=postgres.saves + 1, rows=())
    return state._replace(postgres=postgres), True


def is_whole(rows: Frames) -> bool:
    """Whether a taker without Redis takes the rows for the whole run."""
    return bool(rows) and len(connected(rows, 0)) == len(rows)


def read_elsewhere(state: State, world: World) -> State:
    """A reader at another replica sees everything as soon as it is to be seen.

    Who reads later sees no more: one such reader stands for all.
    """
    if not world.reader_elsewhere:
        return state
    seen, told = state.seen, state.told
    rows = state.postgres.rows
    logged = state.redis.frames
    if world.readers_wait and (state.blind or is_whole(rows)):
        known = place(rows[-1]) if rows else 0
        logged = tuple(frame for frame in logged if place(frame) <= known)
    for frame in connected(merged(logged, rows), seen):
        seen = place(frame)
        if is_terminal(frame):
            told = kind(frame)
    if seen == state.seen:
        return state
    return state._replace(seen=seen, told=told)


def is_lacking(state: State, world: World) -> bool:
    """Whether something that was shown is in neither server any more, since Redis has lost it."""
    if state.faults.losses == world.faults.losses:
        return False
    frames = connected(merged(state.redis.frames, state.postgres.rows), 0)
    return max(state.owner.shown, state.seen) > (place(frames[-1]) if frames else 0)
