"""The command ``migrate``: quick where nothing is to be done, as at nearly every start."""

from pathlib import Path

import psycopg

from chassis.db.revisions import is_current
from chassis.settings import DatabaseSettings, UnusableSetting, variable_of
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


def migrate_command(settings: DatabaseSettings, migrations: Path) -> int:
    """Bring the service's database to the newest revision in ``migrations``; the exit status.

    0 when all is done, 1 with one line in the log when the database is away or refuses. Raises
    UnusableSetting when the owner's URL is missing.
    """
    if settings.owner_database_url is None:
        raise UnusableSetting(
            variable_of(type(settings), "owner_database_url"), "needed to migrate"
        )
    url = settings.owner_database_url.get_secret_value()
    try:
        if is_current(url, migrations):
            return 0
    except psycopg.Error as error:
        # What that means is said by the long way, which meets it again.
        _log.debug("migrate.not_looked_at", error=str(error))
    from chassis.db.migrate import CANNOT_MIGRATE, migrate, why_not

    try:
        migrate(url, migrations)
    except CANNOT_MIGRATE as error:
        sentence = why_not(error)
        if sentence is None:
            raise
        _log.error("migrate.failed", error=sentence)
        return 1
    return 0
