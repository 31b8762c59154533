"""The owner's live run: streaming/log/live.py, and what the writer does with it between two calls."""

from .state import (
    DELTA,
    RUNNING,
    SNAPSHOT,
    Frames,
    Owner,
    State,
    connected,
    place,
)
from .world import World


def show(state: State, last: int, *, keep: bool = False) -> State:
    """``LiveRun.acknowledge``; ``keep`` shows what is not durable."""
    owner = state.owner
    left: list[int] = []
    shown = owner.shown
    for frame in owner.unacknowledged:
        if place(frame) > last or keep:
            left.append(frame)
        if shown < place(frame) <= last:
            if place(frame) != shown + 1:
                state = state._replace(flaw="a frame is shown behind a hole")
            if owner.stale:
                state = state._replace(flaw="the owner shows on after a later one has saved")
            shown = place(frame)
    owner = owner._replace(shown=shown, unacknowledged=tuple(left), stale=False)
    return state._replace(owner=owner)


def released(owner: Owner, last: int) -> Owner:
    """``LiveRun.note_released``."""
    if last >= owner.fallback_to:
        owner = owner._replace(fallback_from=0, fallback_to=0)
    else:
        owner = owner._replace(fallback_from=last + 1)
    return owner._replace(in_fallback=last < owner.shown, unreleased=False)


def rewind(state: State, world: World) -> State:
    """``Writer._rewind`` with ``LiveRun.rewind``, as far as its call."""
    owner = state.owner
    last = owner.gap
    if last + 1 < owner.fallback_from:
        owner = owner._replace(fallback_from=0, fallback_to=0)
    waiting = owner.unacknowledged
    first = place(waiting[0]) if waiting else owner.made + 1
    for number in range(owner.shown, max(0, owner.shown - world.window), -1):
        if number <= last:
            break
        if number < first:
            waiting = (DELTA + number, *waiting)
            first = number
    owner = owner._replace(unacknowledged=waiting)
    if first <= last + 1:
        return state._replace(owner=owner._replace(gap=0))
    if "snapshots_repair" in world.broken:
        return state._replace(owner=owner._replace(gap=0))
    if owner.in_fallback:
        return state._replace(owner=owner._replace(doing="read"))
    return prepend(state._replace(owner=owner), older(owner, ()))


def older(owner: Owner, rows: Frames) -> Frames:
    """What goes before the frames in memory: from ``run_frames``, or as a snapshot."""
    first = place(owner.unacknowledged[0])
    frames = tuple(frame for frame in connected(rows, owner.gap) if place(frame) < first)
    if not frames or place(frames[-1]) != first - 1:
        return (SNAPSHOT + first - 1,)
    return frames


def prepend(state: State, frames: Frames) -> State:
    owner = state.owner
    return state._replace(owner=owner._replace(unacknowledged=frames + owner.unacknowledged, gap=0))


def drop(state: State) -> State:
    if state.postgres.epoch == 1 and state.postgres.status == RUNNING:
        state = state._replace(flaw="the owner drops a run that is its own")
    owner = state.owner
    gone = Owner("dropped", made=owner.made, shown=owner.shown, unreleased=owner.unreleased)
    return state._replace(owner=gone)


def close(state: State) -> State:
    """``Writer._close``: PostgreSQL says that the run has ended under our epoch."""
    owner = state.owner
    if not owner.save:
        return drop(state)
    if not owner.end:
        return state
    return show(state, owner.end)
