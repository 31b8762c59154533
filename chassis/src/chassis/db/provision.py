"""A service's database and its three roles, made or put right.

``parley_<service>_owner`` owns the database and runs the migrations, ``…_app`` serves requests
(row-level security applies), ``…_worker`` runs background jobs. None is a superuser, none
bypasses row-level security, and nobody else may connect. What each role may do with a table is
said in the migration that creates it.

As a one-shot job: ``python -m chassis.db.provision [--migrations DIRECTORY] auth apikey chat notes``
makes the databases of all these, and with ``--migrations`` brings each to the newest revision in
``DIRECTORY/<service>/versions``. It reads

- ``PROVISION_ADMIN_URL``: ``postgresql://…`` of a superuser, or of a role with CREATEDB and
  CREATEROLE, to any existing database of the server;
- for each service, with its name in upper case, ``<SERVICE>_OWNER_DATABASE_URL``,
  ``<SERVICE>_DATABASE_URL`` (app) and ``<SERVICE>_WORKER_DATABASE_URL``: the URLs that the
  service itself uses, as libpq reads them. Roles, passwords and the database's name are taken
  out of them; the roles must have the names above, and all three must name the same database.

Each variable may be given as ``<NAME>_FILE`` instead, the path of a file that holds the value.
Exits 0 when all is in place, 2 when a variable is missing or wrong, 1 when the server refuses.
No password is logged or sent: the server gets the SCRAM verifier.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from chassis.db.newest import bring_to_newest
from chassis.telemetry.logging import configure_logging, get_logger

_log = get_logger(__name__)

ROLES: Final = ("owner", "app", "worker")

# PostgreSQL cuts names after 63 bytes; a role's name holds the service's and 14 more.
_DATABASE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SERVICE: Final = re.compile(r"[a-z][a-z0-9_]{0,48}")
_LOCK_KEY: Final = 0x70726F766973
_SERVER_WAIT_SECONDS: Final = 60.0


def role_name(service: str, role: str) -> str:
    """``parley_<service>_<role>``."""
    return f"parley_{service}_{role}"


def provision(admin_url: str, *, database: str, service: str, passwords: Mapping[str, str]) -> None:
    """Create the database and the service's roles, or put them right; may run again and again.

    ``passwords`` has the keys ``owner``, ``app`` and ``worker``. Raises ValueError for a name
    that is no plain identifier or an empty password, psycopg.Error when the server refuses.
    """
    if not _SERVICE.fullmatch(service) or not _DATABASE.fullmatch(database):
        raise ValueError("the names of services and databases are plain lower-case identifiers")
    if set(passwords) != set(ROLES) or not all(passwords.values()):
        raise ValueError("there must be a password for each of owner, app and worker")
    with psycopg.connect(admin_url, autocommit=True, application_name="provision") as admin:
        # Held until the connection ends; roles are shared by all databases of the server.
        admin.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        for role in ROLES:
            _ensure_role(admin, role_name(service, role), passwords[role])
        owner = sql.Identifier(role_name(service, "owner"))
        if not _is_superuser(admin):
            # To give something to a role one must be a member of it.
            admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(owner))
        _ensure_database(admin, database, owner)
        with psycopg.connect(
            admin_url, dbname=database, autocommit=True, application_name="provision"
        ) as inside:
            _set_rights(inside, database, service)


def _ensure_role(admin: psycopg.Connection, name: str, password: str) -> None:
    verifier = admin.pgconn.encrypt_password(
        password.encode(), name.encode(), b"scram-sha-256"
    ).decode()
    role = sql.Identifier(name)
    found = admin.execute(
        "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication"
        " FROM pg_roles WHERE rolname = %s",
        (name,),
    ).fetchone()
    if found is None:
        admin.execute(sql.SQL("CREATE ROLE {}").format(role))
    elif any(found):
        # Only where it is needed: an administrator who is no superuser may not even say so.
        admin.execute(
            sql.SQL(
                "ALTER ROLE {} NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION"
            ).format(role)
        )
    admin.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(verifier)))


def _ensure_database(admin: psycopg.Connection, database: str, owner: sql.Identifier) -> None:
    name = sql.Identifier(database)
    exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone()
    if exists is None:
        admin.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                name, owner
            )
        )
    else:
        admin.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, owner))


def _set_rights(inside: psycopg.Connection, database: str, service: str) -> None:
    names = {role: sql.Identifier(role_name(service, role)) for role in ROLES}
    everyone = sql.SQL(", ").join(names.values())
    served = sql.SQL(", ").join((names["app"], names["worker"]))
    name = sql.Identifier(database)
    with inside.transaction():
        for statement in (
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name),
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, everyone),
            sql.SQL("ALTER SCHEMA public OWNER TO {}").format(names["owner"]),
            sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"),
            sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(served),
        ):
            inside.execute(statement)


def _is_superuser(admin: psycopg.Connection) -> bool:
    row = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    return bool(row and row[0])


class _BadVariable(Exception):
    """Says which variable is wrong, never its value."""


def _variable(name: str, environment: Mapping[str, str]) -> str:
    value, path = environment.get(name), environment.get(f"{name}_FILE")
    if value is not None and path is not None:
        raise _BadVariable(f"{name} and {name}_FILE are both set")
    if path is not None:
        try:
            value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise _BadVariable(f"{name}_FILE: {error.strerror}") from None
    if not value:
        raise _BadVariable(f"{name} is not set")
    return value


def _url(name: str, environment: Mapping[str, str], role: str) -> tuple[str, str]:
    """The database and the password of a URL."""
    try:
        # Not by SQLAlchemy, which takes longer to import than the job does its work.
        told = conninfo_to_dict(_variable(name, environment))
    except psycopg.ProgrammingError:
        raise _BadVariable(f"{name} is no URL") from None
    if told.get("user") != role:
        raise _BadVariable(f"{name} must name the role {role}")
    if not told.get("password"):
        raise _BadVariable(f"{name} has no password")
    if not told.get("dbname"):
        raise _BadVariable(f"{name} names no database")
    return str(told["dbname"]), str(told["password"])


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the environment says of one service. It shows no password."""

    service: str
    database: str
    owner_url: str = field(repr=False)
    passwords: Mapping[str, str] = field(repr=False)


def _plan(service: str, environment: Mapping[str, str]) -> _Plan:
    prefix = service.upper()
    infixes = {"owner": "OWNER_", "app": "", "worker": "WORKER_"}
    names = {role: f"{prefix}_{infix}DATABASE_URL" for role, infix in infixes.items()}
    urls = {r: _url(name, environment, role_name(service, r)) for r, name in names.items()}
    databases = {database for database, _ in urls.values()}
    if len(databases) != 1:
        raise _BadVariable(f"the three URLs of {service} name different databases")
    return _Plan(
        service,
        databases.pop(),
        owner_url=_variable(names["owner"], environment),
        passwords={role: password for role, (_, password) in urls.items()},
    )


def _provision_from(environment: Mapping[str, str], services: Sequence[str]) -> list[_Plan]:
    admin_url = _variable("PROVISION_ADMIN_URL", environment)
    plans = [_plan(service, environment) for service in services]
    _await_server(admin_url)
    for plan in plans:
        provision(admin_url, database=plan.database, service=plan.service, passwords=plan.passwords)
        _log.info("provision.done", of=plan.service, database=plan.database)
    return plans


def _await_server(admin_url: str) -> None:
    # In compose the server may still be making its data folder.
    deadline = time.monotonic() + _SERVER_WAIT_SECONDS
    while True:
        try:
            psycopg.connect(admin_url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
        else:
            return


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """The job's exit status."""
    parser = argparse.ArgumentParser(prog="provision", description="Make databases and roles.")
    parser.add_argument("--migrations", type=Path, metavar="DIRECTORY")
    parser.add_argument("services", nargs="+", metavar="SERVICE", help="auth, apikey, chat, notes")
    asked = parser.parse_args(arguments)
    try:
        plans = _provision_from(environment, asked.services)
    except (_BadVariable, ValueError) as error:
        _log.error("provision.failed", error=str(error))
        return 2
    except psycopg.Error as error:
        _log.error("provision.failed", error=str(error))
        return 1
    if asked.migrations is None:
        return 0
    status = 0
    for plan in plans:
        why_not = bring_to_newest(plan.owner_url, asked.migrations / plan.service)
        if why_not is not None:
            _log.error("migrate.failed", error=why_not)
            _log.error("provision.failed", of=plan.service, error="it has not its newest revision")
            status = 1
    return status


if __name__ == "__main__":
    configure_logging("provision", "info")
    sys.exit(main(sys.argv[1:], os.environ))
