"""A database brought to its newest revision: quick where it is there, as at nearly every start."""

from pathlib import Path

from chassis.db.revisions import CANNOT_LOOK, is_current
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)


def bring_to_newest(owner_url: str, migrations: Path) -> str | None:
    """Migrate to the newest revision in ``migrations``, unless that is there.

    None once it is there; else one sentence that says why not: the database is away or refuses.
    Raises what a revision that is to blame has raised.
    """
    try:
        if is_current(owner_url, migrations):
            return None
    except CANNOT_LOOK as error:
        # What that means is said by the long way, which meets it again.
        _log.debug("migrate.not_looked_at", error=str(error))
    # Alembic costs more than all the rest, and is seldom needed.
    from chassis.db.migrate import CANNOT_MIGRATE, migrate, why_not

    try:
        migrate(owner_url, migrations)
    except CANNOT_MIGRATE as error:
        sentence = why_not(error)
        if sentence is None:
            raise
        return sentence
    return None
