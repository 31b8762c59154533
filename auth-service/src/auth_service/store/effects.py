"""What both kinds of transaction write, and what follows once it is committed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.audit_log import WARNINGS, AuditEntry
from auth_service.domain.erasures import Erasure
from auth_service.domain.trust import Revocation
from auth_service.store.anonymise import PostgresAnonymisation
from auth_service.store.audit_log import record
from auth_service.store.tables import logins, revocations, service_erasures
from chassis.outbox import enqueue
from chassis.telemetry.logging import get_logger

_log = get_logger("auth_service")


@dataclass(frozen=True, slots=True)
class Effects:
    """``on_revoked`` and ``on_published`` are called after the commit of a transaction that
    revoked or published; a deletion is published under ``deleted_subject``, prefix included,
    with the payload that ``encode_deleted`` makes.
    """

    deleted_subject: str
    encode_deleted: Callable[[Erasure], bytes]
    on_revoked: Callable[[], None]
    on_published: Callable[[], None]


class PostgresEffects(PostgresAnonymisation):
    """The part of a transaction that others hear of."""

    def __init__(self, connection: AsyncConnection, effects: Effects) -> None:
        self._connection = connection
        self._effects = effects
        self._revoked = False
        self._published = False
        self._recorded: list[AuditEntry] = []

    def announce(self) -> None:
        """To be called once the transaction is committed."""
        if self._revoked:
            self._effects.on_revoked()
        if self._published:
            self._effects.on_published()
        for entry in self._recorded:
            self._log(entry)

    async def record(self, entry: AuditEntry) -> None:
        await record(self._connection, entry)
        self._recorded.append(entry)

    def _log(self, entry: AuditEntry) -> None:
        log = _log.warning if entry.event in WARNINGS else _log.info
        fields: dict[str, object] = {
            "user_id": entry.subject_id,
            "by": entry.actor_id if entry.actor_id != entry.subject_id else None,
            "ip": entry.client.ip,
            **entry.fields,
        }
        log(entry.event, **{name: str(value) for name, value in fields.items() if value})

    async def end_login(self, login_id: UUID, at: datetime) -> None:
        await self._connection.execute(
            update(logins)
            .where(logins.c.id == login_id, logins.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )

    async def revoke(self, *these: Revocation) -> None:
        if these:
            await self._connection.execute(insert(revocations), [asdict(one) for one in these])
            self._revoked = True

    async def confirm_erasure(self, erasure_id: UUID, service: str, at: datetime) -> bool:
        result = await self._connection.execute(
            update(service_erasures)
            .where(
                service_erasures.c.erasure_id == erasure_id,
                service_erasures.c.service == service,
            )
            .values(erased_at=func.coalesce(service_erasures.c.erased_at, at))
        )
        return result.rowcount == 1

    async def publish_deleted(self, erasure: Erasure) -> None:
        await enqueue(
            self._connection,
            subject=self._effects.deleted_subject,
            payload=self._effects.encode_deleted(erasure),
        )
        self._published = True
