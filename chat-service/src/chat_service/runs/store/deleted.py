"""Runs that were deleted while they were live: what they have used is counted all the same, and once.

Whoever deletes a live run writes its id down in the transaction that does. Its owner, which then finds no run
to be ended, counts by that row what it has used, and takes the row away with the same statement.
"""

# ruff: noqa: S608 - all statements are made of constants

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from chat_service.usage.domain.spent import NO_CONNECTION
from chat_service.usage.store.ledger import ANSWERS_COUNTS, add_to_ledger
from servicekit.erasure import BATCH, in_batches


def note_deleted(source: str, condition: str = "true") -> str:
    """What writes runs down that `source` has deleted or ended; it has their id, tenant, user and epoch."""
    return f"""
INSERT INTO deleted_runs (id, tenant_id, user_id, epoch)
SELECT id, tenant_id, user_id, epoch FROM {source} WHERE {condition}
ON CONFLICT (id) DO NOTHING
"""


_RUN: Final = f"""
    SELECT run.tenant_id, run.user_id, CAST(:day AS date),
           coalesce(CAST(:key_id AS uuid), '{NO_CONNECTION}'), CAST(:provider AS text),
           CAST(:model AS text), CAST(:purpose AS text), CAST(:currency AS text),
           CAST(:metered AS boolean), {ANSWERS_COUNTS}
    FROM run
"""
#: Counts what a run has used that was deleted while it was live at this epoch, if nobody has.
COUNT_DELETED = Statement(
    text(
        f"""
WITH run AS (
    DELETE FROM deleted_runs WHERE id = :id AND user_id = :user_id AND epoch = :epoch
    RETURNING tenant_id, user_id)
{add_to_ledger(_RUN)}
"""
    )
)
#: Of runs whose owner was killed before it could count them.
SWEEP = Statement(
    text(
        "DELETE FROM deleted_runs WHERE id IN ("
        "SELECT id FROM deleted_runs WHERE deleted_at < CAST(:at AS timestamptz) - interval '7 days'"
        " ORDER BY deleted_at LIMIT :most)"
    )
)
_FORGET = Statement(
    text(
        "DELETE FROM deleted_runs WHERE id IN ("
        "SELECT id FROM deleted_runs WHERE user_id = :user_id ORDER BY id LIMIT :most)"
    )
)


async def _forget(connection: AsyncConnection, user_id: UUID) -> int:
    return await _FORGET.run(connection, user_id=user_id, most=BATCH)


#: The step behind which nothing more is counted of runs that were deleted; before that of the ledger.
forget_deleted_runs: Final = in_batches(_forget)
