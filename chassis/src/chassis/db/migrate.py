"""Migrations: a folder with ``versions/``, run by Alembic under a lock.

There is no ``env.py``: this module is the environment. Any number of replicas may run
``migrate`` at once; one works, the others wait and find nothing left to do.
"""

import time
from pathlib import Path
from typing import Final

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
# What the app role gets who is given as the owner.
_INSUFFICIENT_PRIVILEGE: Final = "42501"

#: What ``why_not`` may have a line for. Alembic's own error: a newer release was here before.
CANNOT_MIGRATE: Final = (DBAPIError, TimeoutError, CommandError)


def migrate(owner_url: str, migrations: Path) -> None:
    """Bring the database to the newest revision in ``migrations``/versions.

    Connects as the owner role. Each revision is a transaction of its own (one that cannot be
    uses Alembic's ``autocommit_block``), and waits 10 s at most for a table's lock. Raises
    TimeoutError when another migration holds the lock for five minutes, and whatever a
    revision raises; revisions that were completed before it stay. Alembic keeps the running
    migration in module globals: one call at a time in a process.
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
            connection.execute(text("SET lock_timeout = '10s'"))
            connection.commit()
            steps = _upgrade(connection, migrations)
            # For `chassis.db.schema`: every role of this database may know its revision.
            connection.execute(text("GRANT SELECT ON alembic_version TO PUBLIC"))
            connection.commit()
            if steps:
                _log.info("migrate.done", database=engine.url.database, revisions=len(steps))
    finally:
        # The end of the session frees the lock.
        engine.dispose()


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


def _upgrade(connection: Connection, migrations: Path) -> list[RevisionStep]:
    script = _scripts(migrations)
    taken: list[RevisionStep] = []

    def steps(revision: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
        # What Alembic's own `upgrade` command does, its annotation being too narrow.
        found = script._upgrade_revs("heads", revision)  # type: ignore[arg-type] # noqa: SLF001
        taken.extend(found)
        return found

    environment = EnvironmentContext(Config(), script, fn=steps)
    with environment:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()
    return taken
