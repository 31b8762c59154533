"""What a user has left behind, looked for where it lies: behind the API."""

import psycopg
import redis
from psycopg import sql

from .stack import Stack

SERVICES = ("auth", "apikey", "chat", "notes")
#: The tables that may name a deleted user: by id, and to say that they are gone.
MEMORIALS = frozenset(
    {"audit", "erasures", "outbox", "owners", "revocations", "service_erasures", "users"}
)


def rows_about(stack: Stack, service: str, *texts: str) -> list[str]:
    """Each row of the service's database in which one of ``texts`` stands, as ``table: row``."""
    found = []
    with psycopg.connect(stack.database_url(service)) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(
                sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table))
            )
            found += [f"{table}: {row}" for (row,) in rows if any(text in row for text in texts)]
    return found


def tables_about(stack: Stack, user_id: str) -> set[str]:
    """The tables of all services in which the user's id stands."""
    return {
        row.partition(":")[0] for service in SERVICES for row in rows_about(stack, service, user_id)
    }


def redis_keys(stack: Stack) -> set[bytes]:
    with redis.Redis.from_url(stack.redis_url) as client:
        return set(client.scan_iter(count=1000))
