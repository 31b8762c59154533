"""Whether the database has the migrations that this code was written for."""

from pathlib import Path

from sqlalchemy import text

from chassis.db.engine import Database
from chassis.db.revisions import read_revisions
from chassis.errors import Unavailable


class SchemaOutdated(Unavailable):
    """The database lacks migrations that this code needs."""

    reason = "SCHEMA_OUTDATED"


class SchemaCheck:
    """A health probe that raises SchemaOutdated while migrations are missing.

    Reads ``migrations``/versions once, without Alembic, which a serving process need not
    load. A database that is newer than this code is fine: migrations expand before they
    contract. Once seen to be current, it is not asked again.
    """

    def __init__(self, database: Database, migrations: Path) -> None:
        self._database = database
        revisions = read_revisions(migrations)
        self._outdated = frozenset(parent for parent in revisions.values() if parent is not None)
        self._any = bool(revisions)
        self._seen_current = False

    async def __call__(self) -> None:
        if self._seen_current:
            return
        async with self._database.transaction() as connection:
            found: set[str] = set()
            if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is not None:
                rows = await connection.scalars(text("SELECT version_num FROM alembic_version"))
                found = set(rows)
        if self._any and (not found or found & self._outdated):
            raise SchemaOutdated
        self._seen_current = True
