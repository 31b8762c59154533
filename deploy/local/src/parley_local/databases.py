"""The four databases: made on the embedded server, and migrated wherever they are."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from chassis.embedded import EmbeddedPostgres
from parley_local.environment import DatabaseUrls
from parley_local.state import State
from parley_local.topology import SERVICES, Member


def provision_embedded(
    postgres: EmbeddedPostgres, state: State, explicit: Mapping[str, DatabaseUrls]
) -> dict[str, DatabaseUrls]:
    """All four databases: those that the environment names as they are, the others made here.

    Databases, roles and their passwords are made true to the state's on each start.
    """
    from chassis.db.provision import provision

    found = dict(explicit)
    for member in SERVICES:
        service = member.database
        assert service is not None
        if service in found:
            continue
        passwords, database = state.passwords(service), f"parley_{service}"
        provision(postgres.admin_url, database=database, service=service, passwords=passwords)
        found[service] = DatabaseUrls(
            **{
                role: postgres.url(f"parley_{service}_{role}", password, database)
                for role, password in passwords.items()
            }
        )
    return found


class CannotMigrate(Exception):
    """A database is away or refuses; the message is for the terminal."""


def migrate_all(databases: Mapping[str, DatabaseUrls]) -> None:
    """Bring each database to its service's newest revision, as the owner role.

    One after the other in this process: Alembic keeps what it works on in module globals, and
    loading it four times would take longer. Where nothing is to be done, as at nearly every
    start, it is not loaded at all. Raises CannotMigrate.
    """
    from chassis.db.newest import bring_to_newest

    for member in SERVICES:
        why_not = bring_to_newest(_owner_url(member, databases), migrations_of(member))
        if why_not is not None:
            raise CannotMigrate(f"the database of {member.name} cannot be migrated: {why_not}")


def _owner_url(member: Member, databases: Mapping[str, DatabaseUrls]) -> str:
    assert member.database is not None
    return databases[member.database].owner


def warm_up(*, migrations: bool) -> None:
    """Load what the two need, half a second that can pass while the servers start; what
    ``migrations`` need only where there are some for sure.
    """
    import chassis.db.provision

    if migrations:
        import chassis.db.migrate  # noqa: F401


def migrations_of(member: Member) -> Path:
    """The folder of its revisions, found without importing the service."""
    spec = importlib.util.find_spec(member.module)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{member.name} is not installed: no module {member.module}")
    return Path(spec.origin).parent / "migrations"
