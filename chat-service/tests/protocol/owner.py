"""The first owner's steps: streaming/engine.py, write/writer.py, log/live.py and own/finaliser.py, one call at a time."""

from collections.abc import Iterator

from . import servers
from .live import close, drop, older, prepend, released, rewind, show
from .state import (
    DELTA,
    DONE,
    RUNNING,
    SNAPSHOT,
    Frames,
    Move,
    Owner,
    State,
    is_terminal,
    kind,
    pieces,
    place,
)
from .world import World


def owner_moves(state: State, world: World) -> Iterator[Move]:
    owner = state.owner
    if owner.life == "up":
        if not owner.doing:
            yield from _flushes(state, world)
        yield from _end(state, world)
        if owner.doing == "read" and state.postgres.near:
            free = state._replace(owner=owner._replace(doing=""))
            read = prepend(free, older(owner, state.postgres.rows))
            yield Move("the rows are read", False, read)
        if owner.doing and owner.reply is not None:
            yield Move(f"the {owner.doing}'s answer arrives", False, _arrive(state, world))
        if owner.doing:
            yield from _give_up(state, world)
    if owner.life in {"up", "frozen"}:
        yield from _carried_out(state, world)


# Flushes


def _flushes(state: State, world: World) -> Iterator[Move]:
    owner = state.owner
    frames = owner.unacknowledged
    if frames:
        yield from _flush(state, "a flush", frames, world)
        if world.partial_flushes and len(frames) > 1:
            yield from _flush(state, "a flush of one frame", frames[:1], world)
    if owner.made < world.frames and not owner.save:
        made = owner.made + 1
        frames = (*frames, DELTA + made)
        owner = owner._replace(made=made, unacknowledged=frames)
        yield from _flush(state._replace(owner=owner), f"a flush, with frame {made}", frames, world)


def _flush(state: State, name: str, taken: Frames, world: World) -> Iterator[Move]:
    owner = state.owner
    if "append_first" in world.broken:
        state = show(state, place(taken[-1]), keep=True)
        owner = state.owner
    if not owner.open or state.redis.up:
        asked = owner._replace(doing="append", taken=taken)
        yield Move(f"{name}: append {_names(taken)}", False, state._replace(owner=asked))
    if owner.open:
        yield Move(f"{name}, without Redis", False, _fall_back(state, taken, world))


def _fall_back(state: State, taken: Frames, world: World) -> State:
    """``Writer._fall_back``, as far as its call."""
    owner = state.owner._replace(doing="", taken=(), reply=None, open=True)
    fresh = tuple(frame for frame in taken if place(frame) > owner.fallback_to)
    if owner.save == "saved" and owner.end:
        return close(state._replace(owner=owner))
    if not fresh:
        return show(state._replace(owner=owner), place(taken[-1]))
    uncertain = "uncertain_rows_count" not in world.broken
    owner = owner._replace(
        doing="fallback", taken=fresh, in_fallback=owner.in_fallback or uncertain
    )
    return state._replace(owner=owner)


def _carried_out(state: State, world: World) -> Iterator[Move]:
    """A server does what it was asked; its answer is on its way."""
    owner = state.owner
    if owner.doing not in {"", "read"} and owner.reply is None:
        there = state.redis.up if owner.doing == "append" else state.postgres.near
        if there:
            match owner.doing:
                case "append":
                    after, reply = servers.append(state, 1, owner.taken, world)
                case "fallback":
                    after, reply = servers.append_to_fallback(state, owner.taken, world)
                case "release":
                    after, reply = servers.release(state, place(owner.taken[-1]), world)
                case _:
                    after, reply = servers.release(state, 0, world)
            stale = owner.stale
            if owner.doing in {"append", "fallback"}:
                stale = state.postgres.epoch > 1 and state.postgres.status != RUNNING
            after = after._replace(owner=owner._replace(reply=reply, stale=stale))
            yield Move(f"the {owner.doing} is carried out", False, after)
    saving = owner.save in {"saving", "told"} and not owner.commit
    if saving and state.postgres.near and not servers.is_locked(state):
        after, saved = servers.save(state, 1, DONE, pieces(owner.made), world)
        after = after._replace(owner=owner._replace(commit="yes" if saved else "no"))
        yield Move("the save is carried out", False, after)


def _arrive(state: State, world: World) -> State:
    owner = state.owner
    reply = owner.reply
    assert reply is not None
    free = owner._replace(doing="", taken=(), reply=None)
    outcome, number = reply
    last = place(owner.taken[-1]) if owner.taken else 0
    match owner.doing, outcome:
        case _, "FENCED" | "LOST":
            return drop(state)
        case _, "BUSY":
            return state._replace(owner=free._replace(gap=0))
        case "append", "OK":
            asks = owner.in_fallback and "release_asks" not in world.broken
            if not asks:
                return show(state._replace(owner=free._replace(open=False)), last)
            if "release_first" in world.broken:
                state = show(state, last)
            after = state.owner._replace(doing="release", reply=None, open=False)
            return state._replace(owner=after)
        case "append", _:
            after = owner._replace(doing="repair", taken=(), reply=None, gap=number)
            return state._replace(owner=after)
        case "release", "ENDED" if not owner.save:
            return drop(state)
        case "release", _:
            if outcome == "OURS":
                free = released(free, last)
            return show(state._replace(owner=free), last)
        case "repair", "OURS":
            return rewind(state._replace(owner=free), world)
        case "fallback", "OURS":
            first = place(owner.taken[0])
            if not free.fallback_to or first > free.fallback_to + 1:
                free = free._replace(fallback_from=first)
            free = free._replace(fallback_to=last, in_fallback=True)
            return show(state._replace(owner=free), last)
    return close(state._replace(owner=free))


def _give_up(state: State, world: World) -> Iterator[Move]:
    """No answer in time: from a server that is away, or that could have given one."""
    owner = state.owner
    redis = owner.doing == "append"
    there = state.redis.up if redis else state.postgres.near
    unmarked = state.blind or state.faults.expiries != world.faults.expiries
    if owner.doing in {"release", "repair"} and world.claims_are_answered and unmarked:
        return
    after = _given_up(state, world)
    lost = state.faults.spend("lost")
    if not there:
        yield Move(f"no answer to the {owner.doing}", False, after)
    elif lost is not None:
        yield Move(f"the {owner.doing} fails", True, after._replace(faults=lost))
    if lost is not None and owner.reply is None and state.late is None:
        for call in _late_calls(state, world):
            name = f"the {call} is given up, and is under way"
            yield Move(name, True, after._replace(faults=lost, late=(call, owner.taken)))


def _late_calls(state: State, world: World) -> Iterator[str]:
    """What a server may do although nobody waits for it any more."""
    owner, postgres = state.owner, state.postgres
    if owner.doing in {"append", "release"} or (
        owner.doing == "fallback" and not world.fallbacks_end
    ):
        yield owner.doing
    if (
        owner.doing == "fallback"
        and postgres.near
        and (postgres.epoch, postgres.status) == (1, RUNNING)
    ):
        # It has written, has the run's row, and hangs.
        yield "commit"


def _given_up(state: State, world: World) -> State:
    owner = state.owner
    free = owner._replace(doing="", taken=(), reply=None)
    match owner.doing:
        case "append":
            return _fall_back(state, owner.taken, world)
        case "release":
            free = free._replace(unreleased=world.rows_are_released)
            return show(state._replace(owner=free), place(owner.taken[-1]))
        case "repair":
            return rewind(state._replace(owner=free), world)
        case "read":
            return prepend(state._replace(owner=free), older(owner, ()))
    return state._replace(owner=free)


# The end


def _end(state: State, world: World) -> Iterator[Move]:
    owner = state.owner
    if world.ends and not owner.save and owner.made and not owner.doing:
        yield Move("the model is done", False, state._replace(owner=owner._replace(save="saving")))
    if owner.commit:
        yield Move("the save's answer arrives", False, _settle(state))
        lost = state.faults.spend("lost")
        again = state._replace(owner=owner._replace(commit=""))
        if not state.postgres.near:
            yield Move("the save's answer is lost", False, again)
        elif lost is not None:
            yield Move("the save's answer is lost", True, again._replace(faults=lost))
    if owner.save == "saving" and not state.postgres.near:
        told = _tell(owner._replace(save="told"))
        yield Move("the end is told before it is saved", False, state._replace(owner=told))


def _settle(state: State) -> State:
    owner = state.owner._replace(commit="")
    if owner.save == "told":
        save = "saved" if state.owner.commit == "yes" else "refused"
        # The end says what it said: `LiveRun.saved` stays false.
        return state._replace(owner=owner._replace(save=f"told, {save}"))
    if state.owner.commit == "no":
        return drop(state)
    return state._replace(owner=_tell(owner._replace(save="saved")))


def _tell(owner: Owner) -> Owner:
    end = owner.made + 1
    return owner._replace(end=end, unacknowledged=(*owner.unacknowledged, DONE + end))


def _names(frames: Frames) -> str:
    return " ".join(_name(frame) for frame in frames)


def _name(frame: int) -> str:
    if is_terminal(frame):
        return "end"
    return f"s{place(frame)}" if kind(frame) == SNAPSHOT else str(place(frame))
