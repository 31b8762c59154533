"""How many bytes of files to be imported there may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportBounds:
    """Most bytes of one file, of a user's that have not been read yet, and of everybody's."""

    file: int
    user: int
    everybody: int
