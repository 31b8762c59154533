"""Which faults are put in: a sample that a seed names."""

import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from tools.members import ROOT
from tools.mutants.operators import Place, places
from tools.mutants.rooms import Room


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault of a file, whose path is from the root."""

    room: Room
    file: Path
    place: Place

    @property
    def id(self) -> str:
        """The same as long as the file is, and the fault."""
        digest = hashlib.sha256(f"{self.file}\0{self.place.code()}".encode())
        return digest.hexdigest()[:16]


def draw(rooms: list[Room], count: int, seed: int) -> list[Mutant]:
    """`count` mutants, or as many as there are.

    Lines are drawn, and then what is done to each: of a call with six arguments twelve faults can
    be made, and it is no more likely to be wrong than the comparison above it.
    """
    by_line: dict[str, list[Mutant]] = defaultdict(list)
    for room in rooms:
        for file in room.sources:
            source = (ROOT / file).read_text()
            text = source.splitlines()
            for place in places(source):
                # Not its number: what changes elsewhere leaves it in the sample, or out.
                by_line[f"{seed} {file} {text[place.line - 1]}"].append(Mutant(room, file, place))
    lines = []
    for name, faults in by_line.items():
        dice = random.Random(name)  # noqa: S311 - it draws a sample
        dice.shuffle(faults)
        lines.append((dice.random(), faults))
    return _one_of_each([faults for _, faults in sorted(lines, key=itemgetter(0))], count)


def _one_of_each(lines: list[list[Mutant]], count: int) -> list[Mutant]:
    """One mutant of each line, then another one, until there are as many as are wanted."""
    drawn: list[Mutant] = []
    while lines and len(drawn) < count:
        drawn += [faults.pop() for faults in lines[: count - len(drawn)]]
        lines = [faults for faults in lines if faults]
    return drawn
