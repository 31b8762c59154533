"""The steps of those who take over: streaming/own/takeover.py and log/history.py."""

from collections.abc import Iterator

from . import servers
from .state import (
    DONE,
    INTERRUPTED,
    RUNNING,
    Frames,
    Move,
    State,
    Taker,
    is_terminal,
    kind,
    merged,
    place,
    text_of,
)
from .world import World


def taker_moves(state: State, world: World) -> Iterator[Move]:
    yield from _begin(state, world)
    for at, taker in enumerate(state.takers):
        for name, fault, after, changed in _steps(state, taker, world):
            takers = (*state.takers[:at], changed, *state.takers[at + 1 :])
            yield Move(f"taker {at + 1}: {name}", fault, after._replace(takers=takers))


_Steps = Iterator[tuple[str, bool, State, Taker]]


def _begin(state: State, world: World) -> Iterator[Move]:
    """The compare-and-set of the epoch, once the owner of this one seems dead."""
    postgres = state.postgres
    if postgres.status != RUNNING or len(state.takers) >= world.takers:
        return
    if servers.is_locked(state) or (world.losses_are_repaired and servers.is_lacking(state, world)):
        return
    faults = state.faults
    if postgres.epoch == 1:
        # An owner that does not reach PostgreSQL has no heartbeat.
        if state.owner.life == "up" and postgres.near:
            return
    elif state.takers[-1].step != "gone":
        asleep = faults.spend("freezes")
        if asleep is None:
            return
        faults = asleep
    epoch = postgres.epoch + 1
    after = state._replace(
        faults=faults,
        postgres=postgres._replace(epoch=epoch),
        takers=(*state.takers, Taker(epoch, "log" if "fence" in world.broken else "mark")),
    )
    name = f"taker {len(after.takers)} raises the epoch to {epoch}"
    yield Move(name, faults != state.faults, after)


def _steps(state: State, taker: Taker, world: World) -> _Steps:
    up = state.redis.up
    lost = state.faults.spend("lost")
    kills = state.faults.spend("kills")
    if taker.step != "gone" and kills is not None and len(state.takers) < world.takers:
        yield "is killed", True, state._replace(faults=kills), taker._replace(step="gone")
    # Where it goes on that does not reach Redis: it waits.
    again = "blind" if "waits_for_redis" in world.broken else "mark"
    match taker.step:
        case "mark" | "log":
            if up and taker.step == "mark":
                after = servers.mark(state, taker.epoch)
                step = "save" if "mark_first" in world.broken else "log"
                yield "marks the log", False, after, taker._replace(step=step)
                if lost is not None:
                    after = after._replace(faults=lost)
                    yield "marks the log unawares", True, after, taker._replace(step=again)
            elif up:
                logged = state.redis.frames
                yield "reads the log", False, state, taker._replace(step="rows", logged=logged)
            if not up and taker.step != again:
                yield "does not reach Redis", False, state, taker._replace(step=again)
            elif up and lost is not None:
                after = state._replace(faults=lost)
                yield "does not reach Redis", True, after, taker._replace(step=again)
        case "rows":
            frames = merged(taker.logged, state.postgres.rows)
            step = "save"
            if "mark_first" in world.broken and not _is_marked(state, taker):
                step = "mark"
            yield "reads the rows", False, state, taker._replace(step=step, frames=frames)
        case "blind":
            yield from _read_without_redis(state, taker, world)
        case "save":
            yield from _save(state, taker, world)
        case "tell":
            yield from _tell(state, taker, world)
        case "delete":
            # Redis may be told so again and again, until it is there.
            if up:
                after = state._replace(redis=state.redis._replace(log=()))
                yield "deletes the log", False, after, taker._replace(step="gone")


def _is_marked(state: State, taker: Taker) -> bool:
    return any(entry >> 8 >= taker.epoch for entry in state.redis.log)


def _read_without_redis(state: State, taker: Taker, world: World) -> _Steps:
    """A rule that is broken: what begins at the beginning is taken for the whole run."""
    rows = state.postgres.rows
    if not servers.is_whole(rows) or state.owner.unreleased:
        yield "waits for Redis", False, state, taker._replace(step="mark")
        return
    read = taker._replace(step="save", logged=(), frames=rows)
    yield "reads the rows alone", False, state._replace(blind=True), read


def _ending(frames: Frames) -> tuple[int, int]:
    """The terminal frame, and the text."""
    if frames and is_terminal(frames[-1]):
        return frames[-1], text_of(frames)
    return INTERRUPTED + (place(frames[-1]) if frames else 0) + 1, text_of(frames)


def _save(state: State, taker: Taker, world: World) -> _Steps:
    end, text = _ending(taker.frames)
    after, saved = servers.save(state, taker.epoch, kind(end), text, world)
    if not saved:
        yield "may not save", False, state, taker._replace(step="gone")
        return
    step = "gone" if taker.told else "tell"
    yield "saves", False, after, taker._replace(step=step)
    lost = state.faults.spend("lost")
    if lost is not None:
        after = after._replace(faults=lost)
        yield "saves unawares", True, after, taker._replace(step="gone")
        if not taker.told:
            # PostgreSQL takes longer than the terminal frame waits.
            waits = taker._replace(told=True, step="tell")
            yield "cannot save for long", True, state._replace(faults=lost), waits


def _tell(state: State, taker: Taker, world: World) -> _Steps:
    end, _ = _ending(taker.frames)
    logged = place(taker.logged[-1]) if taker.logged else 0
    rest = tuple(frame for frame in taker.frames if place(frame) > logged)
    if not (taker.frames and is_terminal(taker.frames[-1])):
        rest = (*rest, end)
    saved = taker._replace(step="save" if taker.told else "gone", logged=())
    # The log expires, even if it lacks its end: the mark stays for as long as it can.
    deletes = "mark_stays" in world.broken and not taker.told
    failed = saved._replace(step="delete") if deletes else saved
    if not rest:
        yield "has nothing to add", False, state, saved
        return
    if state.redis.up:
        after, (outcome, _) = servers.append(state, taker.epoch, rest, world)
        changed = saved if outcome == "OK" else failed
        yield "tells the end", False, after, changed
    lost = state.faults.spend("lost")
    if not state.redis.up:
        yield "cannot tell the end", False, state, failed
    elif lost is not None:
        yield "fails to tell the end", True, state._replace(faults=lost), failed


def truthful(status: int, answer: int, made: int) -> bool:
    """Whether an answer that is called complete is so."""
    return status != DONE or answer == (1 << made) - 1
