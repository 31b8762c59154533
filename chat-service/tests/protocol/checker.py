"""Looks at every state that can be reached, nearest first, and tells the way to a bad one."""

from collections import deque
from dataclasses import dataclass

from .model import beginning, flaw, moves, settled
from .state import State
from .world import World


@dataclass(frozen=True)
class Found:
    """What an exploration found: a broken promise with the shortest way to it, or none."""

    states: int
    moves: int
    flaw: str = ""
    way: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.flaw:
            return f"{self.states} states, {self.moves} moves: all promises hold"
        steps = (f"{number:3}. {step}" for number, step in enumerate(self.way, 1))
        return "\n".join([f"{self.flaw}, after", *steps])


#: A state from which no end is in reach, however well all goes from there on.
DEAD_END = "the run never ends"


def explore(world: World) -> Found:
    """Every state within the world's bounds. Stops at the first broken promise."""
    first = beginning(world)
    numbers: dict[State, int] = {first: 0}
    came_from: list[tuple[int, str]] = [(0, "")]
    # By which states each is reached without a further fault.
    before: list[list[int]] = [[]]
    ends: list[int] = []
    queue: deque[tuple[int, State]] = deque([(0, first)])
    count = 0
    while queue:
        number, state = queue.popleft()
        if settled(state, world):
            ends.append(number)
        for name, fault, after in moves(state, world):
            count += 1
            known = numbers.get(after)
            if known is None:
                known = numbers[after] = len(came_from)
                came_from.append((number, name))
                before.append([])
                if wrong := flaw(after):
                    return Found(len(numbers), count, wrong, _way(came_from, known))
                queue.append((known, after))
            if not fault and known != number:
                before[known].append(number)
    # Backwards from all ends: what is not met cannot come to one.
    reached = bytearray(len(came_from))
    for end in ends:
        reached[end] = 1
    while ends:
        for number in before[ends.pop()]:
            if not reached[number]:
                reached[number] = 1
                ends.append(number)
    stuck = reached.find(0)
    if stuck >= 0:
        return Found(len(numbers), count, DEAD_END, _way(came_from, stuck))
    return Found(len(numbers), count)


def _way(came_from: list[tuple[int, str]], number: int) -> tuple[str, ...]:
    way: list[str] = []
    while number:
        number, name = came_from[number]
        way.append(name)
    return tuple(reversed(way))
