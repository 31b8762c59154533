"""The audit log of what users do in other services: recorded once, from whom may tell it, in ids and words."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.jetstream import JetStream
from chassis.service import Service
from chassis.testing import DatabaseUrls, eventually
from parley.auth.v1 import auth_pb2
from parley.events.v1 import events_pb2

from .audited import HOME, call_as, list_entries

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
Appoint = Callable[..., Awaitable[auth_pb2.Grant]]
Serve = Callable[..., Awaitable[tuple[Service, int]]]

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOME_USER, SOME_TENANT, SHARE, SESSION = (str(new_id()) for _ in range(4))


def deed(event: str = "share.created", **told: Any) -> events_pb2.Audited:
    base = events_pb2.Audited(
        id=str(new_id()),
        user_id=SOME_USER,
        tenant_id=SOME_TENANT,
        event=event,
        fields={"share_id": SHARE, "session_id": SESSION},
    )
    base.at.FromDatetime(WHEN)
    base.fields.update(told.pop("fields", {}))
    for name, value in told.items():
        setattr(base, name, value)
    return base


async def tell(events: JetStream, payload: bytes, where: str = "audit.chat-service") -> None:
    await events.publish(events.subject(where), payload, msg_id=str(new_id()))


def recorded(database: DatabaseUrls) -> list[Any]:
    with psycopg.connect(database.worker) as worker:
        return worker.execute(
            "SELECT event, at, tenant_id::text, actor_id::text, subject_id::text, ip, fields"
            " FROM audit WHERE event LIKE 'share.%' OR event LIKE 'import.%' ORDER BY id"
        ).fetchall()


def set_aside(database: DatabaseUrls) -> list[bytes]:
    with psycopg.connect(database.worker) as worker:
        rows = worker.execute("SELECT payload FROM dead_letters WHERE set_aside_at IS NOT NULL")
        return sorted(payload for (payload,) in rows)


async def test_what_comes_several_times_is_in_the_audit_log_once(
    auth: Channel,
    register: Register,
    appoint: Appoint,
    events: JetStream,
    database: DatabaseUrls,
) -> None:
    ada, root = await register("ada"), await appoint("root", "operator")
    logins = await call_as(auth, ada.access_token, "ListLogins", auth_pb2.ListLoginsRequest())
    whose = {"user_id": ada.user.id, "tenant_id": ada.user.tenant_id}
    shared = deed(sid=logins.items[0].id, **whose)
    ended = deed("import.ended", **whose)
    ended.fields.clear()
    ended.fields.update({"import_id": SHARE, "state": "completed", "added": "12"})
    for one in (shared, shared, ended, shared, ended):
        await tell(events, one.SerializeToString())

    async def both() -> bool:
        return len(recorded(database)) == 2

    await eventually(both)
    last = deed("share.deleted", **whose)
    await tell(events, last.SerializeToString())
    await eventually(lambda: len(recorded(database)) == 3)
    of, by = ada.user.tenant_id, ada.user.id
    assert recorded(database) == [
        ("share.created", WHEN, of, by, by, HOME.ip, dict(shared.fields)),
        # Nobody was there when it ended.
        ("import.ended", WHEN, of, None, by, "", dict(ended.fields)),
        ("share.deleted", WHEN, of, None, by, "", dict(last.fields)),
    ]
    seen = await list_entries(auth, root, user_id=by, event="share.")
    assert [entry.event for entry in seen] == ["share.deleted", "share.created"]
    assert set_aside(database) == []


async def test_what_was_told_while_auth_service_was_down_is_recorded_once_it_is_back(
    events: JetStream, serve: Serve, database: DatabaseUrls
) -> None:
    told = [deed() for _ in range(20)]
    for one in told:
        await tell(events, one.SerializeToString())
    await serve()
    await serve()
    await eventually(lambda: len(recorded(database)) == len(told))
    with psycopg.connect(database.worker) as worker:
        ids = worker.execute("SELECT id::text FROM audit ORDER BY id").fetchall()
    assert [one for (one,) in ids] == sorted(one.id for one in told)


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"\xff",
        deed("user.role_changed"),
        deed("share.of_my_own"),
        deed(id="7"),
        deed(user_id=""),
        deed(tenant_id="nobody's"),
        deed(fields={"title": "secret"}),
        deed(fields={"session_id": "what it is called"}),
        deed(fields={"audience": "Everybody who reads this"}),
    ],
    ids=range(10),
)
async def test_what_may_not_be_told_is_set_aside_and_holds_up_nothing(
    auth: Channel, events: JetStream, database: DatabaseUrls, forged: bytes | events_pb2.Audited
) -> None:
    payload = forged if isinstance(forged, bytes) else forged.SerializeToString()
    await tell(events, payload)
    await tell(events, deed().SerializeToString())
    await eventually(lambda: recorded(database))
    assert len(recorded(database)) == 1
    assert set_aside(database) == [payload]


async def test_a_login_shows_its_address_for_its_own_user_alone(
    auth: Channel, register: Register, events: JetStream, database: DatabaseUrls
) -> None:
    ada, eve = await register("ada"), await register("eve")
    logins = await call_as(auth, ada.access_token, "ListLogins", auth_pb2.ListLoginsRequest())
    stolen = deed(sid=logins.items[0].id, user_id=eve.user.id, tenant_id=eve.user.tenant_id)
    await tell(events, stolen.SerializeToString())
    await eventually(lambda: recorded(database))
    [(_, _, _, actor, _, ip, _)] = recorded(database)
    assert (actor, ip) == (eve.user.id, "")


async def test_what_is_told_late_of_somebody_who_was_erased_has_no_address(
    auth: Channel, register: Register, events: JetStream, database: DatabaseUrls
) -> None:
    ada = await register("ada")
    logins = await call_as(auth, ada.access_token, "ListLogins", auth_pb2.ListLoginsRequest())
    whose = {"user_id": ada.user.id, "tenant_id": ada.user.tenant_id}
    early, late = (deed(sid=logins.items[0].id, **whose) for _ in range(2))
    await tell(events, early.SerializeToString())
    await eventually(lambda: [row[5] for row in recorded(database)] == [HOME.ip])
    delete = auth_pb2.DeleteMeRequest(password="correct horse")
    await call_as(auth, ada.access_token, "DeleteMe", delete)
    await tell(events, late.SerializeToString())
    await eventually(lambda: len(recorded(database)) == 2)
    assert [(row[4], row[5]) for row in recorded(database)] == [(ada.user.id, "")] * 2
