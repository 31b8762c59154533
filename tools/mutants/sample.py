"""Which faults are put in: a sample that a seed names."""

import hashlib
import random
from collections import defaultdict
from dataclasses import dataclass
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
    by_line: dict[tuple[Path, int], list[Mutant]] = defaultdict(list)
    for room in rooms:
        for file in room.sources:
            for place in places((ROOT / file).read_text()):
                by_line[file, place.line].append(Mutant(room, file, place))
    dice = random.Random(seed)  # noqa: S311 - it draws a sample
    lines = [by_line[key] for key in sorted(by_line)]
    for faults in lines:
        dice.shuffle(faults)
    dice.shuffle(lines)
    drawn: list[Mutant] = []
    while lines and len(drawn) < count:
        drawn += [faults.pop() for faults in lines[: count - len(drawn)]]
        lines = [faults for faults in lines if faults]
    return drawn
