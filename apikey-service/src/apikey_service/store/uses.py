"""What came of using connections: who used one last, what failed, what servers have taught."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, text

from apikey_service.domain.key import MOST_LEARNT, Learnt, Outcome
from apikey_service.store.rows import MINE, from_learnt, to_outcome
from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction

# The newest of each model and parameter, and of those the newest, in the order they came.
_LEARNT: Final = f"""(
    SELECT COALESCE(jsonb_agg(newest.item ORDER BY newest.number), '[]') FROM (
        SELECT each.item, each.number FROM (
            SELECT item, number, row_number() OVER (
                PARTITION BY item->>'model', item->>'parameter' ORDER BY number DESC) AS place
            FROM jsonb_array_elements({{table}}.learnt || CAST(:learnt AS jsonb))
                WITH ORDINALITY AS items (item, number)) AS each
        WHERE each.place = 1 ORDER BY each.number DESC LIMIT {MOST_LEARNT}) AS newest)"""  # noqa: S608 - made of constants
_CHANGE: Final = """
    learnt = {learnt},
    last_error_reason = CASE WHEN CAST(:reason AS text) IS NOT NULL THEN :reason
        WHEN :ok THEN NULL ELSE {table}.last_error_reason END,
    last_error_at = CASE WHEN CAST(:reason AS text) IS NOT NULL THEN CAST(:at AS timestamptz)
        WHEN :ok THEN NULL ELSE {table}.last_error_at END"""


def _change(table: str) -> str:
    return _CHANGE.format(table=table, learnt=_LEARNT.format(table=table))


_REPORT = Statement(text(f"UPDATE keys SET {_change('keys')} WHERE keys.id = :key_id AND {MINE}"))  # noqa: S608 - made of constants
_ADD_OPERATORS = Statement(
    text("INSERT INTO operator_keys (key_id) VALUES (:key_id) ON CONFLICT (key_id) DO NOTHING")
)
_REPORT_OPERATORS = Statement(
    text(
        f"UPDATE operator_keys SET {_change('operator_keys')} WHERE operator_keys.key_id = :key_id"  # noqa: S608 - made of constants
    )
)
_OPERATORS = Statement(
    text(
        "SELECT operator_keys.key_id, operator_keys.last_error_reason,"
        " operator_keys.last_error_at, operator_keys.learnt FROM operator_keys"
    )
)
_MARK_USED = Statement(
    text("""
    UPDATE keys SET last_used_at = used.at
    FROM unnest(:ids, :ats) AS used (id, at)
    WHERE keys.id = used.id AND (keys.last_used_at IS NULL OR keys.last_used_at < used.at)
    """).bindparams(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("ats", type_=ARRAY(DateTime(timezone=True))),
    )
)


async def report_use(
    transaction: Transaction,
    key_id: UUID,
    *,
    reason: str | None,
    ok: bool,
    learnt: Sequence[Learnt],
    at: datetime,
) -> bool:
    """Whether the user has such a key. To report the same again changes the time alone."""
    owner = transaction.owner
    touched = await _REPORT.run(
        transaction.connection,
        tenant_id=owner.tenant_id,
        user_id=owner.user_id,
        key_id=key_id,
        reason=reason,
        ok=ok,
        learnt=from_learnt(learnt),
        at=at,
    )
    return touched == 1


class Uses:
    """What is written in the worker's role: for all users at once, or for no user in particular."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark_used(self, at_by_key: Mapping[UUID, datetime]) -> None:
        """Note when each key was used last; what is gone, or was used later, stays as it is."""
        # In one order: of two batches at once neither waits for the other in a circle.
        ids = sorted(at_by_key)
        await self._database.run(
            None, _MARK_USED, ids=ids, ats=[at_by_key[key_id] for key_id in ids]
        )

    async def report_operators(
        self, key_id: UUID, *, reason: str | None, ok: bool, learnt: Sequence[Learnt], at: datetime
    ) -> None:
        async with self._database.transaction() as connection:
            await _ADD_OPERATORS.run(connection, key_id=key_id)
            await _REPORT_OPERATORS.run(
                connection,
                key_id=key_id,
                reason=reason,
                ok=ok,
                learnt=from_learnt(learnt),
                at=at,
            )

    async def of_operators(self) -> dict[UUID, Outcome]:
        """What is known of the operator's connections, also of those that are gone from the file."""
        rows = await self._database.all(None, _OPERATORS)
        return {row.key_id: to_outcome(row) for row in rows}
