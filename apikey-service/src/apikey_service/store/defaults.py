"""Which of the connections is a user's default."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from apikey_service.domain.operator_connection import OperatorConnection
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction

_FIND = Statement(
    text("""
    SELECT marked.key_id AS marked,
        EXISTS (SELECT 1 FROM keys WHERE keys.id = marked.key_id
            AND keys.tenant_id = :tenant_id AND keys.user_id = :user_id) AS marks_own,
        (SELECT keys.id FROM keys
            WHERE keys.tenant_id = :tenant_id AND keys.user_id = :user_id
            ORDER BY keys.created_at, keys.id LIMIT 1) AS first
    FROM (SELECT (SELECT default_keys.key_id FROM default_keys
        WHERE default_keys.tenant_id = :tenant_id AND default_keys.user_id = :user_id) AS key_id)
        AS marked
    """)
)
_MARK = Statement(
    text(
        "INSERT INTO default_keys (user_id, tenant_id, key_id)"
        " VALUES (:user_id, :tenant_id, :key_id)"
        " ON CONFLICT (user_id) DO UPDATE SET key_id = EXCLUDED.key_id"
    )
)
_UNMARK = Statement(
    text(
        "DELETE FROM default_keys WHERE default_keys.tenant_id = :tenant_id"
        " AND default_keys.user_id = :user_id AND default_keys.key_id = :key_id"
    )
)


@dataclass(frozen=True, slots=True)
class Default:
    """``marked`` is the one that the user has made the default, if ever; it may be gone by now.

    ``first`` is the oldest of their own.
    """

    marked: UUID | None
    marks_own: bool
    first: UUID | None

    def among(self, offered: Sequence[OperatorConnection]) -> UUID | None:
        """The default one: the marked one, else the first of their own, else of ``offered``."""
        if self.marks_own or any(one.id == self.marked for one in offered):
            return self.marked
        if self.first is not None:
            return self.first
        return offered[0].id if offered else None


class Defaults:
    """The default of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def find(self) -> Default:
        row = await _FIND.first(self._connection, **self._mine)
        assert row is not None
        return Default(row.marked, row.marks_own, row.first)

    async def mark(self, key_id: UUID) -> None:
        await _MARK.run(self._connection, **self._mine, key_id=key_id)

    async def unmark(self, key_id: UUID) -> None:
        """If it is the marked one."""
        await _UNMARK.run(self._connection, **self._mine, key_id=key_id)
