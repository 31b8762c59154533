"""PostgreSQL, Redis and NATS of a test's own, each behind proxies, to be killed and restarted."""

import secrets
import threading
from pathlib import Path

import psycopg
from psycopg import sql

from chassis.db.provision import provision
from chassis.embedded import (
    EmbeddedNats,
    EmbeddedPostgres,
    EmbeddedServer,
    EmbeddedValkey,
    ServerFailed,
    free_port,
)
from parley_local.topology import ACCOUNTS, SERVICES

from .proxy import Proxies, Proxy

DATABASES = ("auth", "apikey", "chat", "notes")
_ROLES = {"owner": "OWNER_DATABASE_URL", "app": "DATABASE_URL", "worker": "WORKER_DATABASE_URL"}
_START_ATTEMPTS = 20


class Servers:
    """The three servers; the services reach them through ``edges`` alone."""

    def __init__(self, directory: Path, proxies: Proxies) -> None:
        #: Where the tables of a service are kept that has a disk of its own; set before the start.
        self.disks: dict[str, Path] = {}
        self.postgres = EmbeddedPostgres(directory / "postgres", port=free_port())
        self.redis = EmbeddedValkey(directory / "valkey", port=free_port())
        self.nats = EmbeddedNats(directory / "nats", port=free_port(), accounts=ACCOUNTS)
        self.edges: dict[str, Proxy] = {
            "redis": proxies.add(lambda: ("127.0.0.1", self.redis.port)),
            "nats": proxies.add(lambda: ("127.0.0.1", self.nats.port)),
            **{
                f"postgres/{name}": proxies.add(lambda: ("127.0.0.1", self.postgres.port))
                for name in DATABASES
            },
        }

    def start(self) -> dict[str, str]:
        """Start all three and make the databases; what the runner's environment says of them."""
        starts = [threading.Thread(target=server.start) for server in self._all]
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        environment = {
            "REDIS_URL": _through(self.edges["redis"], self.redis, self.redis.url),
            **{
                f"{member.prefix}NATS_URL": _through(
                    self.edges["nats"], self.nats, self.nats.url_of(member.name)
                )
                for member in SERVICES
            },
        }
        for name in DATABASES:
            passwords = {role: secrets.token_urlsafe(24) for role in _ROLES}
            database = f"parley_{name}"
            provision(self.postgres.admin_url, database=database, service=name, passwords=passwords)
            if (disk := self.disks.get(name)) is not None:
                self._move(database, disk)
            for role, variable in _ROLES.items():
                url = self.postgres.url(f"parley_{name}_{role}", passwords[role], database)
                environment[f"{name.upper()}_{variable}"] = _through(
                    self.edges[f"postgres/{name}"], self.postgres, url
                )
        return environment

    def _move(self, database: str, disk: Path) -> None:
        with psycopg.connect(self.postgres.admin_url, autocommit=True) as connection:
            for statement in (
                sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(disk))),
                sql.SQL("ALTER DATABASE {} SET TABLESPACE small").format(sql.Identifier(database)),
            ):
                connection.execute(statement)

    @property
    def _all(self) -> tuple[EmbeddedServer, ...]:
        return self.postgres, self.redis, self.nats

    def start_again(self, server: EmbeddedServer) -> None:
        """Start a server that was killed, whatever it left behind."""
        for attempt in range(_START_ATTEMPTS):
            try:
                server.start()
                return
            except ServerFailed:
                # PostgreSQL's orphans hold its shared memory for a moment.
                if attempt == _START_ATTEMPTS - 1:
                    raise

    def stop(self) -> None:
        for server in self._all:
            server.stop()

    def database_url(self, name: str) -> str:
        """The superuser's URL of this service's database, past the proxies."""
        password = self.postgres.secret
        return self.postgres.url("postgres", password, f"parley_{name}")

    def connect(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of its own, in autocommit, to look at what is stored."""
        return psycopg.connect(self.database_url(name), autocommit=True, connect_timeout=5)


def _through(edge: Proxy, server: EmbeddedServer, url: str) -> str:
    """``url`` with the edge's port in place of the server's."""
    place = f"127.0.0.1:{server.port}"
    assert place in url
    return url.replace(place, f"127.0.0.1:{edge.port}")
