"""The revocation list in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import func, insert, select

from auth_service.domain.trust import Revocation
from auth_service.store.tables import revocations
from auth_service.store.transactions import Transaction


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
        present = (await self._connection.execute(select(func.now()))).scalar_one()
        query = select(
            revocations.c.id,
            revocations.c.tenant_id,
            revocations.c.user_id,
            revocations.c.sid,
            revocations.c.revoked_at,
            revocations.c.expires_at,
        ).where(revocations.c.expires_at > func.now())
        if since is not None:
            query = query.where(revocations.c.stored_at > since)
        result = await self._connection.execute(query)
        return [Revocation(**row._mapping) for row in result], present
