"""The audit log: what stays in it of those who are erased, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import psycopg

from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, eventually, limit_deletes
from parley.auth.v1 import auth_pb2

from .audited import ELSEWHERE, call_as, list_entries, list_events, log_in_from, try_out

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]


async def test_an_erasure_leaves_ids_and_words_and_no_address(
    auth: Channel, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    ada, bob = await register("ada"), await register("bob")
    for name in ("ada", "bob"):
        await log_in_from(auth, name)
        await try_out(log_in_from(auth, name, "wrong horse", ELSEWHERE))
    # One leaves of their own accord, one is removed.
    await call_as(
        auth, ada.access_token, "DeleteMe", auth_pb2.DeleteMeRequest(password="correct horse")
    )
    remove = auth_pb2.DeleteUserRequest(id=bob.user.id)
    await call_as(auth, operator.access_token, "DeleteUser", remove)

    for user, actor in ((ada, ada), (bob, operator)):
        entries = await list_entries(auth, operator, user_id=user.user.id)
        assert [entry.event for entry in reversed(entries)] == [
            "user.registered",
            "login.opened",
            "login.refused",
            "user.deleted",
        ]
        assert {(entry.ip, entry.user_agent) for entry in entries} == {("", "")}
        assert entries[0].actor_id == actor.user.id
        assert list(entries[0].fields) == ["erasure_id"]
    with psycopg.connect(database.admin) as admin:
        rows = admin.execute("SELECT audit::text FROM audit").fetchall()
    text = "\n".join(row for (row,) in rows)
    for personal in ("bob", "example.org", ELSEWHERE.ip, "horse"):
        assert personal not in text


async def test_no_address_comes_back_by_a_refusal_that_an_erasure_overtook(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    for turn in range(5):
        name = f"ada{turn}"
        ada = await register(name)
        delete = auth_pb2.DeleteMeRequest(password="correct horse")
        await asyncio.gather(
            *(log_in_from(auth, name, "wrong horse", ELSEWHERE) for _ in range(6)),
            call_as(auth, ada.access_token, "DeleteMe", delete),
            *(log_in_from(auth, name, client=ELSEWHERE) for _ in range(3)),
            *(log_in_from(auth, name, "wrong horse", ELSEWHERE) for _ in range(6)),
            return_exceptions=True,
        )
        with psycopg.connect(database.worker) as worker:
            left = worker.execute(
                "SELECT event FROM audit WHERE subject_id = %s AND (ip <> '' OR user_agent <> '')",
                (ada.user.id,),
            ).fetchall()
        assert left == []


async def test_it_goes_back_as_far_as_the_setting_says(
    auth: Channel, serve: Serve, register: Register, appoint: Appoint, database: DatabaseUrls
) -> None:
    operator = await appoint("root", "operator")
    ada = await register("ada")
    for days, count in ((9, 1), (11, 11_000)):
        with psycopg.connect(database.admin) as admin:
            admin.execute(
                "INSERT INTO audit (id, at, tenant_id, subject_id, event, ip, user_agent, fields)"
                " SELECT gen_random_uuid(), %s, %s, %s, %s, '', '', '{}'"
                " FROM generate_series(1, %s)",
                (
                    datetime.now(UTC) - timedelta(days=days),
                    ada.user.tenant_id,
                    ada.user.id,
                    f"old.{days}",
                    count,
                ),
            )
    # However many have grown old, no statement takes long.
    limit_deletes(database, 5_000, "audit")
    await serve(audit_days=10, erasure_sweep_seconds=0.2)

    async def the_oldest_is_gone() -> bool:
        return await list_events(auth, operator, event="old.") == ["old.9"]

    await eventually(the_oldest_is_gone)
    assert "user.registered" in await list_events(auth, operator, user_id=ada.user.id)
