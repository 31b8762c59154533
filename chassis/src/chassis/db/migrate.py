"""Migrations: a folder with ``versions/``, run by Alembic under a lock.

There is no ``env.py``: this module is the environment. Any number of replicas may run
``migrate`` at once; one works, the others wait and find nothing left to do.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import op
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

# Any number will do, as long as every release uses the same: "parley" in ASCII.
_LOCK_KEY: Final = 0x7061726C6579
_LOCK_WAIT_SECONDS: Final = 300.0
_LOCK_POLL_SECONDS: Final = 0.2
# Whoever comes to a table for which a revision waits stands in line behind it, and behind the next one that it
# waits for meanwhile. So it waits for so long, lets them pass, and comes again: three such waits are 90 ms.
_TABLE_MILLISECONDS: Final = 30
_TABLE_PAUSE_SECONDS: Final = 1.0
_TABLE_WAIT_SECONDS: Final = 300.0
_LOCK_NOT_AVAILABLE: Final = "55P03"
# What the app role gets who is given as the owner.
_INSUFFICIENT_PRIVILEGE: Final = "42501"

#: What ``why_not`` may have a line for. Alembic's own error: a newer release was here before.
CANNOT_MIGRATE: Final = (DBAPIError, TimeoutError, CommandError)


def migrate(owner_url: str, migrations: Path) -> None:
    """Bring the database to the newest revision in ``migrations``/versions.

    Connects as the owner role. Each revision is a transaction of its own; what cannot be in one
    stands in ``beside_traffic``. A table's lock is waited for 30 ms at a time, in which others wait
    as well, and then the revision is begun anew, for five minutes. Raises TimeoutError when another
    migration holds the lock for five minutes, and whatever a revision raises; revisions that were
    completed before it stay. Alembic keeps the running migration in module globals: one call at a
    time in a process.
    """
    engine = create_engine(
        make_url(owner_url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        use_native_hstore=False,
        connect_args={"application_name": "migrate", "connect_timeout": 10},
    )
    try:
        with engine.connect() as connection:
            _lock(connection)
            connection.execute(text(f"SET lock_timeout = {_TABLE_MILLISECONDS}"))
            connection.commit()
            steps = _upgrade_at_last(connection, migrations)
            # For `chassis.db.schema`: every role of this database may know its revision.
            connection.execute(text("GRANT SELECT ON alembic_version TO PUBLIC"))
            connection.commit()
            if steps:
                _log.info("migrate.done", database=engine.url.database, revisions=steps)
    finally:
        # The end of the session frees the lock.
        engine.dispose()


@contextmanager
def beside_traffic() -> Iterator[None]:
    """What a revision does in this block runs outside of a transaction, and keeps nobody waiting.

    As ``CREATE INDEX CONCURRENTLY``, which waits itself for whoever came before it, here for as long
    as that takes. What the revision did before the block stays, whatever becomes of the block: it
    has to bear being done once more, as has the block.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        try:
            yield
        finally:
            op.execute(f"SET lock_timeout = {_TABLE_MILLISECONDS}")


def why_not(error: Exception) -> str | None:
    """What kept ``migrate`` from its work, as a line, or None where a revision is to blame."""
    if not isinstance(error, DBAPIError):
        return str(error)
    state = getattr(error.orig, "sqlstate", None)
    # Without a state it never came to the server: an option that there is not, say.
    if isinstance(error, OperationalError) or state in (None, _INSUFFICIENT_PRIVILEGE):
        return " ".join(str(error.orig).split())
    return None


def _scripts(migrations: Path) -> ScriptDirectory:
    config = Config()
    # Set as an attribute of the parser, not as text: a "%" in the path is only a "%".
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return ScriptDirectory.from_config(config)


def _lock(connection: Connection) -> None:
    # Asked again and again instead of waited for: a session that waits inside a statement
    # holds a snapshot, and CREATE INDEX CONCURRENTLY of the one that works waits for that.
    deadline = time.monotonic() + _LOCK_WAIT_SECONDS
    while True:
        locked = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK_KEY})
        connection.commit()
        if locked:
            return
        if time.monotonic() > deadline:
            raise TimeoutError("another migration holds the lock")
        time.sleep(_LOCK_POLL_SECONDS)


def _upgrade_at_last(connection: Connection, migrations: Path) -> int:
    """How many revisions were run."""
    deadline = time.monotonic() + _TABLE_WAIT_SECONDS
    missing: set[str] = set()
    while True:
        try:
            _upgrade(connection, migrations, missing)
        except DBAPIError as error:
            is_in_use = getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE
            if not is_in_use or time.monotonic() > deadline:
                raise
            connection.rollback()
            _log.info("migrate.table_in_use", error=str(error.orig).strip())
            time.sleep(_TABLE_PAUSE_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        else:
            return len(missing)


def _upgrade(connection: Connection, migrations: Path, missing: set[str]) -> None:
    """Runs the revisions that are missing, and adds them to ``missing`` before."""
    script = _scripts(migrations)

    def steps(revision: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        # What Alembic's own `upgrade` command does, its annotation being too narrow.
        found = script._upgrade_revs("heads", revision)  # type: ignore[arg-type] # noqa: SLF001
        missing.update(step.revision.revision for step in found)
        return found

    environment = EnvironmentContext(Config(), script, fn=steps)
    with environment:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
