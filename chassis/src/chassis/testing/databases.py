"""A migrated database for each test.

It is cloned from a template that is migrated once a session, or one that an earlier test had, as
good as new (:mod:`chassis.testing.recycling`).
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from chassis.embedded import EmbeddedPostgres
from chassis.ids import new_id
from chassis.testing.recycling import Pristine, look_at, restore

if TYPE_CHECKING:
    # SQLAlchemy: a run that touches no database need not load it.
    from chassis.testing.parking import Parking


@dataclass(frozen=True)
class DatabaseUrls:
    """One database, as each of its three roles sees it, and as the superuser does."""

    owner: str
    app: str
    worker: str
    admin: str


#: ``service_database("notes", migrations)``: a fresh database with all migrations applied.
ServiceDatabase = Callable[[str, Path], DatabaseUrls]


def limit_deletes(database: DatabaseUrls, most: int, *tables: str) -> None:
    """From now on a statement that deletes more than ``most`` rows of one of ``tables`` fails."""
    function = sql.SQL(
        "CREATE FUNCTION limit_deletes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF (SELECT count(*) FROM gone) > {} THEN"
        " RAISE 'too many rows of % for one statement', TG_TABLE_NAME; END IF;"
        " RETURN NULL; END $$"
    ).format(sql.Literal(most))
    trigger = sql.SQL(
        "CREATE TRIGGER limit_deletes AFTER DELETE ON {} REFERENCING OLD TABLE AS gone"
        " FOR EACH STATEMENT EXECUTE FUNCTION limit_deletes()"
    )
    with psycopg.connect(database.admin) as admin:
        admin.execute(function)
        for table in tables:
            admin.execute(trigger.format(sql.Identifier(table)))


@dataclass(slots=True)
class _Made:
    name: str
    service: str
    migrations: Path
    pristine: Pristine
    # Kept: what a new one reads of the catalogues costs more than to put a database back.
    connection: psycopg.Connection


@dataclass
class DatabaseFactory:
    """Makes the databases of one pytest process, which go with their server."""

    postgres: EmbeddedPostgres
    parking: "Parking"
    _templates: dict[tuple[str, Path], str] = field(default_factory=dict)
    _passwords: dict[str, dict[str, str]] = field(default_factory=dict)
    _idle: dict[tuple[str, Path], list[_Made]] = field(default_factory=dict)
    _given: dict[DatabaseUrls, _Made] = field(default_factory=dict)

    def close(self) -> None:
        """Lets go of the databases that nobody uses."""
        for made in self._idle.values():
            for one in made:
                one.connection.close()
        self._idle.clear()

    @contextmanager
    def session(self) -> Iterator[ServiceDatabase]:
        """A factory whose databases nobody uses any more behind it, whoever is still connected."""
        given: list[DatabaseUrls] = []

        def make(service: str, migrations: Path) -> DatabaseUrls:
            idle = self._idle.get((service, migrations.resolve()))
            made = idle.pop() if idle else self._clone(service, migrations.resolve())
            database = self._urls(made.name, service)
            self._given[database] = made
            given.append(database)
            return database

        try:
            yield make
        finally:
            for database in given:
                self._take_back(self._given.pop(database))

    def put_back(self, database: DatabaseUrls) -> bool:
        """Make one that is in use as good as new; False where that cannot be.

        What this process's pools are connected by stays; sequences go on.
        """
        made = self._given[database]
        try:
            return restore(
                made.connection, made.pristine, self.parking.processes(in_use=True), in_use=True
            )
        except psycopg.OperationalError:
            return False

    def _clone(self, service: str, migrations: Path) -> _Made:
        # SQLAlchemy and Alembic: a run that touches no database need not load them.
        from chassis.db.provision import ROLES, role_name

        template = self._template(service, migrations)
        database = f"t_{new_id().hex}"
        roles = [sql.Identifier(role_name(service, role)) for role in ROLES]
        name = sql.Identifier(database)
        with self._administer() as connection:
            # Copies of files: a migrated database is a few megabytes in many small tables,
            # and without fsync the checkpoint that it takes costs little.
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY = FILE_COPY").format(
                    name, sql.Identifier(template), roles[0]
                )
            )
            # What is granted on a database as such is not part of a template.
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    name, sql.SQL(", ").join(roles)
                )
            )
        inside = self._inside(database, service)
        return _Made(database, service, migrations, look_at(inside), inside)

    def _take_back(self, made: _Made) -> None:
        try:
            is_as_new = restore(made.connection, made.pristine, self.parking.processes())
        except psycopg.OperationalError:
            # The server was stopped meanwhile, or the test ended whoever was connected.
            made.connection.close()
            made.connection = self._inside(made.name, made.service)
            is_as_new = restore(made.connection, made.pristine, self.parking.processes())
        if is_as_new:
            self._idle.setdefault((made.service, made.migrations), []).append(made)
            return
        made.connection.close()
        with self._administer() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(made.name))
            )

    def _inside(self, database: str, service: str) -> psycopg.Connection:
        return psycopg.connect(self._urls(database, service).admin, autocommit=True)

    def _administer(self) -> psycopg.Connection:
        return psycopg.connect(self.postgres.admin_url, autocommit=True)

    def _template(self, service: str, migrations: Path) -> str:
        from chassis.db.migrate import migrate

        key = (service, migrations.resolve())
        if key not in self._templates:
            name = f"template_{service}_{len(self._templates)}"
            self._provision(name, service)
            migrate(self._urls(name, service).owner, migrations)
            self._templates[key] = name
        return self._templates[key]

    def _provision(self, database: str, service: str) -> None:
        from chassis.db.provision import ROLES, provision

        passwords = self._passwords.setdefault(
            service, {role: secrets.token_urlsafe(16) for role in ROLES}
        )
        provision(self.postgres.admin_url, database=database, service=service, passwords=passwords)

    def _urls(self, database: str, service: str) -> DatabaseUrls:
        from chassis.db.provision import role_name

        urls = {
            role: self.postgres.url(role_name(service, role), password, database)
            for role, password in self._passwords[service].items()
        }
        admin = self.postgres.url("postgres", self.postgres.secret, database)
        return DatabaseUrls(**urls, admin=admin)
