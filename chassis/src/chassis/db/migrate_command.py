"""The command ``migrate`` of a service."""

from pathlib import Path

from chassis.db.newest import bring_to_newest
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
    why_not = bring_to_newest(settings.owner_database_url.get_secret_value(), migrations)
    if why_not is None:
        return 0
    _log.error("migrate.failed", error=why_not)
    return 1
