"""Open transactions, which repositories are made on, and what follows their commit."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.audit_log import WARNINGS, AuditEntry
from auth_service.domain.erasures import Erasure
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


class Changes:
    """What a transaction has changed that is announced once it is committed."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self.revoked = False
        self.published = False
        self.recorded: list[AuditEntry] = []

    def announce(self) -> None:
        """To be called after the commit."""
        if self.revoked:
            self.effects.on_revoked()
        if self.published:
            self.effects.on_published()
        for entry in self.recorded:
            _log_entry(entry)


class Transaction:
    """One open transaction.

    What is written is kept when its block ends, and nothing of it if the block raises.
    """

    def __init__(self, connection: AsyncConnection, effects: Effects) -> None:
        self._connection = self.connection = connection
        self.changes = Changes(effects)


def _log_entry(entry: AuditEntry) -> None:
    log = _log.warning if entry.event in WARNINGS else _log.info
    fields: dict[str, object] = {
        "user_id": entry.subject_id,
        "by": entry.actor_id if entry.actor_id != entry.subject_id else None,
        "ip": entry.client.ip,
        **entry.fields,
    }
    log(entry.event, **{name: str(value) for name, value in fields.items() if value})
