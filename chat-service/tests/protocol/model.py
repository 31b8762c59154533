"""The protocol of streaming: what may happen next, and what must never be.

Pure: a state and a world give all moves. docs/decisions/0009 says what is modelled and what not.
"""

from collections.abc import Iterator

from . import servers
from .owner import owner_moves
from .state import DONE, RUNNING, Frames, Move, Owner, State, pieces, place
from .taker import taker_moves, truthful
from .world import World


def beginning(world: World) -> State:
    return State(world.faults)


def moves(state: State, world: World) -> Iterator[Move]:
    """Everything that may happen next."""
    yield from owner_moves(state, world)
    yield from taker_moves(state, world)
    yield from _repairs(state, world)
    if state.faults.total:
        yield from _faults(state, world)


def _repairs(state: State, world: World) -> Iterator[Move]:
    redis, postgres, owner = state.redis, state.postgres, state.owner
    if not redis.up:
        yield Move("Redis is back", False, state._replace(redis=redis._replace(up=True)))
    if not postgres.near:
        near = postgres._replace(near=True)
        yield Move("the owner reaches PostgreSQL again", False, state._replace(postgres=near))
    if owner.life == "frozen":
        # It has seen by its clock that it stood still: it asks before it shows anything more.
        asks = owner.in_fallback or "thaw_asks" not in world.broken
        awake = owner._replace(life="up", in_fallback=asks)
        yield Move("the owner wakes", False, state._replace(owner=awake))
    if state.late is not None:
        yield from _late(state, *state.late, world)


def _late(state: State, call: str, frames: Frames, world: World) -> Iterator[Move]:
    """A call that was given up is carried out; only of a lock it is certain that it ends."""
    done = state._replace(late=None)
    name = f"the {call} that was given up is carried out"
    match call:
        case "append" if state.redis.up:
            yield Move(name, True, servers.append(done, 1, frames, world)[0])
        case "fallback":
            yield Move(name, True, servers.append_to_fallback(done, frames, world)[0])
        case "commit":
            yield Move(name, False, servers.append_to_fallback(done, frames, world)[0])
            yield Move("the commit that was given up fails", False, done)
        case "release":
            yield Move(name, True, servers.release(done, place(frames[-1]), world)[0])


def _faults(state: State, world: World) -> Iterator[Move]:
    redis, postgres, owner = state.redis, state.postgres, state.owner
    ended = postgres.status != RUNNING
    if redis.up and (left := state.faults.spend("outages")):
        away = state._replace(redis=redis._replace(up=False), faults=left)
        yield Move("Redis goes away", True, away)
    if not redis.up and redis.log and (left := state.faults.spend("losses")):
        repaired = owner.life == "up" and not owner.has_ended and not state.takers
        if repaired or not world.losses_are_repaired:
            for log in {(), redis.log[:-1]}:
                loses = state._replace(redis=redis._replace(log=log), faults=left)
                yield Move(f"Redis loses {len(redis.log) - len(log)} entries", True, loses)
    if postgres.near and owner.life == "up" and (left := state.faults.spend("cuts")):
        cut = state._replace(postgres=postgres._replace(near=False), faults=left)
        yield Move("the owner is cut off from PostgreSQL", True, cut)
    if owner.life == "up" and (left := state.faults.spend("freezes")):
        frozen = state._replace(owner=owner._replace(life="frozen"), faults=left)
        yield Move("the owner freezes", True, frozen)
    may_die = not world.losses_are_repaired or not servers.is_lacking(state, world)
    if owner.life == "up" and may_die and (left := state.faults.spend("kills")):
        # Of what it held nothing is left but what its readers were shown.
        killed = Owner("killed", owner.made, owner.end, shown=owner.shown)
        killed = killed._replace(unreleased=owner.unreleased)
        yield Move("the owner is killed", True, state._replace(owner=killed, faults=left))
        if owner.doing == "append" and owner.reply is None and state.late is None:
            state = state._replace(owner=killed, faults=left, late=("append", owner.taken))
            yield Move("the owner is killed, its append is under way", True, state)
    may_expire = redis.log and owner.life == "frozen" and not world.marks_last
    if ended and may_expire and (left := state.faults.spend("expiries")):
        expired = state._replace(redis=redis._replace(log=()), faults=left)
        yield Move("the log expires", True, expired)


def flaw(state: State) -> str:
    """The promise that does not hold; empty: all do."""
    if state.flaw:
        return state.flaw
    owner, postgres = state.owner, state.postgres
    if postgres.status == RUNNING:
        return ""
    if postgres.saves != 1:
        return "an answer was saved twice"
    answer = postgres.answer
    if answer & (answer + 1) or answer > pieces(owner.made):
        return "the answer is not a beginning of what the model said"
    if not truthful(postgres.status, answer, owner.made):
        return "an answer that is not whole is called complete"
    if pieces(owner.shown - owner.has_ended) & ~answer:
        return "the owner has shown what is not in the answer"
    if pieces(state.seen - (1 if state.told else 0)) & ~answer:
        return "a reader elsewhere has seen what is not in the answer"
    told = DONE if owner.has_ended else RUNNING
    if not {told, state.told} <= {RUNNING, postgres.status}:
        return "an end was told that is not the run's"
    return ""


def settled(state: State, world: World) -> bool:
    """Whether the run has come to its end: one answer, and nobody has anything to do any more."""
    owner = state.owner
    if not world.ends and owner.life == "up" and owner.shown == world.frames:
        return not owner.unacknowledged
    return state.postgres.saves == 1 and (owner.has_ended or owner.life in {"killed", "dropped"})
