"""What has expired is taken away, of every kind, and nothing else."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import psycopg

from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.service import Service
from chassis.testing import DatabaseUrls, eventually, limit_deletes
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Serve = Callable[..., Awaitable[tuple[Service, int]]]
Register = Callable[[str], Awaitable[auth_pb2.Grant]]

OF_USERS = ("logins", "refresh_tokens", "tokens", "revocations")
TABLES = (*OF_USERS, "codes", "counters")
_HAS_EXPIRED = "EXISTS (SELECT FROM {} WHERE expires_at < now())"
# Of two kinds of key.
MANY = (
    (
        "INSERT INTO revocations (id, tenant_id, user_id, revoked_at, expires_at)"
        " SELECT gen_random_uuid(), %(tenant)s, %(user)s, now(), now() - interval '1 second'"
        " FROM generate_series(1, 11_000)"
    ),
    (
        "INSERT INTO counters (scope, subject, hits, expires_at)"
        " SELECT 'log-in', sha256(int4send(number)), '{}', now() - interval '1 second'"
        " FROM generate_series(1, 11_000) AS number"
    ),
)


async def _with_a_row_of_each(auth: Channel, database: DatabaseUrls, grant: auth_pb2.Grant) -> None:
    request = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
    create = auth.stub(AuthServiceStub).CreateToken
    await auth.unary(create, request, timeout=30, token=grant.access_token)
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "INSERT INTO revocations (id, tenant_id, user_id, sid, revoked_at, expires_at)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), %s, %s, now(), now() + interval '1 hour')",
            [grant.user.id, str(new_id())],
        )


async def test_what_has_expired_is_taken_away_and_nothing_else(
    auth: Channel, register: Register, serve: Serve, database: DatabaseUrls
) -> None:
    old, good = await register("ada"), await register("eve")
    codes = [os.urandom(32), os.urandom(32)]
    for one in (old, good):
        await _with_a_row_of_each(auth, database, one)
    with psycopg.connect(database.admin) as admin:
        for table in OF_USERS:
            admin.execute(
                f"UPDATE {table} SET expires_at = now() - interval '1 second' WHERE user_id = %s",
                [old.user.id],
            )
        for subject, lasts in ((codes[0], "-1 second"), (codes[1], "1 minute")):
            admin.execute(
                "INSERT INTO codes (subject, purpose, digest, expires_at)"
                " VALUES (%s, 'register', %s, now() + CAST(%s AS interval))",
                [subject, os.urandom(32), lasts],
            )
    # However much has expired, no statement takes long.
    with psycopg.connect(database.admin) as admin:
        for insert in MANY:
            admin.execute(insert, {"user": old.user.id, "tenant": old.user.tenant_id})
    limit_deletes(database, 5_000, *TABLES)
    await serve(erasure_sweep_seconds=0.2)

    def swept() -> bool:
        with psycopg.connect(database.admin) as admin:
            found = admin.execute(f"SELECT {' OR '.join(map(_HAS_EXPIRED.format, TABLES))}")
            return found.fetchone() == (False,)

    await eventually(lambda: asyncio.to_thread(swept))
    with psycopg.connect(database.admin) as admin:
        for table in OF_USERS:
            left = admin.execute(
                f"SELECT DISTINCT user_id::text FROM {table} WHERE user_id IN (%s, %s)",
                [old.user.id, good.user.id],
            ).fetchall()
            assert left == [(good.user.id,)], table
        left = admin.execute(
            "SELECT subject FROM codes WHERE subject = ANY(%s)", [codes]
        ).fetchall()
        assert left == [(codes[1],)]
