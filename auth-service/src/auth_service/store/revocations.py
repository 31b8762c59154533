"""The revocation list in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import DateTime, and_, bindparam, cast, func, insert, or_, select

from auth_service.domain.trust import Revocation
from auth_service.store.tables import revocations
from auth_service.store.transactions import Transaction
from chassis.db.statement import Statement

_REVOCATION = (
    revocations.c.id,
    revocations.c.tenant_id,
    revocations.c.user_id,
    revocations.c.sid,
    revocations.c.revoked_at,
    revocations.c.expires_at,
)
_since = cast(bindparam("since"), DateTime(timezone=True))
_now = select(func.now().label("present")).subquery()
# Asked each second, nearly always for nothing: one row without a revocation then.
_SINCE = Statement(
    select(_now.c.present, *_REVOCATION).select_from(
        _now.outerjoin(
            revocations,
            and_(
                revocations.c.expires_at > _now.c.present,
                or_(_since.is_(None), revocations.c.stored_at > _since),
            ),
        )
    )
)


class Revocations:
    """The revocation list, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._connection = transaction.connection

    async def add(self, *these: Revocation) -> None:
        """Refuse access tokens, everywhere, once this transaction is committed."""
        if these:
            await self._connection.execute(insert(revocations), [asdict(one) for one in these])
            self._transaction.changes.revoked = True

    async def since(self, since: datetime | None) -> tuple[Sequence[Revocation], datetime]:
        """Revocations in force, those alone that were stored after ``since``, and the database's
        present time.
        """
        rows = await _SINCE.all(self._connection, since=since)
        found = [Revocation(*row[1:]) for row in rows if row.id is not None]
        return found, rows[0].present
