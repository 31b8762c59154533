"""Each revision expands what is there: the code before it goes on running on it."""

from pathlib import Path
from typing import Final

#: The folder whose ``versions/`` they are in.
MIGRATIONS: Final = Path(__file__).parent
