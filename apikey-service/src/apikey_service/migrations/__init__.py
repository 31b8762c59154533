"""The history of the vault database's schema; ``apikey-service migrate`` applies it."""

from pathlib import Path
from typing import Final

#: The folder whose ``versions/`` they are in.
MIGRATIONS: Final = Path(__file__).parent
