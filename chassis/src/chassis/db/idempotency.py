"""What requests with an idempotency key were answered, kept along with their effect.

The service's migration creates the table (here for ``notes``; the policies are those of any
table with a user's rows, and ``UPDATE (key)`` is what it takes to lock a row)::

    CREATE TABLE idempotency_keys (
        user_id      uuid NOT NULL,
        tenant_id    uuid NOT NULL,
        key          text NOT NULL,
        request_hash bytea NOT NULL,
        answer       bytea NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (user_id, key)
    );
    CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
    GRANT SELECT, INSERT, UPDATE (key) ON idempotency_keys TO parley_notes_app;
    GRANT SELECT, DELETE ON idempotency_keys TO parley_notes_worker;
"""

from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.caller import Caller
from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Statement
from chassis.db.sweep import sweep
from chassis.idempotency import Effect, Once, RequestInProgress
from chassis.repeated import Repeated

_SWEEP_SECONDS: Final = 600.0
_SWEEP_BATCH: Final = 1000

# One expression, so that both statements below mean one turn.
_TAKES_TURN: Final = (
    "SELECT pg_try_advisory_xact_lock("
    "hashtextextended(CAST(:user_id AS text) || ' ' || :key, 0)) AS is_ours"
)
# No row while another transaction has the key's turn. The update changes nothing: it returns what
# an earlier request left. `xmax` is 0 in a row that was inserted just now.
_KEEP = Statement(
    text(
        f"WITH turn AS MATERIALIZED ({_TAKES_TURN})"  # noqa: S608 - made of constants
        " INSERT INTO idempotency_keys (user_id, tenant_id, key, request_hash, answer)"
        " SELECT CAST(:user_id AS uuid), CAST(:tenant_id AS uuid), :key,"
        " CAST(:request_hash AS bytea), CAST(:answer AS bytea) FROM turn WHERE is_ours"
        " ON CONFLICT (user_id, key) DO UPDATE SET key = EXCLUDED.key"
        " RETURNING request_hash, answer, xmax = 0 AS is_first"
    )
)
_TURN = Statement(text(_TAKES_TURN))
# By itself, behind the turn: what was committed before that is seen.
_KEPT = Statement(
    text(
        "SELECT request_hash, answer FROM idempotency_keys"
        " WHERE user_id = :user_id AND tenant_id = :tenant_id AND key = :key"
    )
)
# Without a limit (NULL), all of them. The order is the index's: what is dead in it is skipped.
_FORGET = Statement(
    text(
        "DELETE FROM idempotency_keys WHERE (user_id, key) IN ("
        "SELECT user_id, key FROM idempotency_keys"
        " WHERE user_id = :user_id ORDER BY user_id, key LIMIT CAST(:most AS bigint))"
    )
)
_SWEEP = Statement(
    text(
        "DELETE FROM idempotency_keys WHERE (user_id, key) IN ("
        "SELECT user_id, key FROM idempotency_keys"
        " WHERE created_at < now() - interval '24 hours' LIMIT :batch)"
    )
)


async def find_repeated(
    connection: AsyncConnection, owner: RowOwner | Caller, once: Once[Effect], effect: Effect
) -> Effect | None:
    """What an earlier request with this key brought about; the caller then does nothing more.

    None: this is the first one, and ``effect`` is what it brings about in this transaction.
    Raises IdempotencyKeyReused, or RequestInProgress while another transaction is at it.
    """
    request = once.request
    row = await _KEEP.first(
        connection,
        user_id=owner.user_id,
        tenant_id=owner.tenant_id,
        key=request.key,
        request_hash=request.request_hash,
        answer=once.encode(effect),
    )
    if row is None:
        raise RequestInProgress()
    if row.is_first:
        return None
    request.check(row.request_hash)
    return once.decode(row.answer)


async def find_answered(
    connection: AsyncConnection, owner: RowOwner | Caller, once: Once[Effect]
) -> Effect | None:
    """What an earlier request with this key brought about; None: there was none, and nothing is kept.

    For who lacks what a new effect needs and an earlier one does not, such as something that is gone by
    now. Raises IdempotencyKeyReused, or RequestInProgress while another transaction is at it.
    """
    key = once.request.key
    turn = await _TURN.first(connection, user_id=owner.user_id, key=key)
    if turn is None or not turn.is_ours:
        raise RequestInProgress()
    row = await _KEPT.first(connection, user_id=owner.user_id, tenant_id=owner.tenant_id, key=key)
    if row is None:
        return None
    once.request.check(row.request_hash)
    return once.decode(row.answer)


async def forget_answers(
    connection: AsyncConnection, user_id: UUID, *, most: int | None = None
) -> int:
    """Delete what was kept for a user, in the worker role: part of every erasure.

    At most ``most`` of it; returns how many there were.
    """
    return await _FORGET.run(connection, user_id=user_id, most=most)


class AnswerSweep(Repeated):
    """Deletes in the worker role what was kept for 24 hours; looks every ten minutes.

    ``batch`` is how many it deletes in one transaction.
    """

    def __init__(self, db: Database, *, batch: int = _SWEEP_BATCH) -> None:
        super().__init__("answer sweep", self.sweep, seconds=_SWEEP_SECONDS, unhurried=True)
        self._db = db
        self._batch = batch

    async def sweep(self) -> None:
        """Look now. Raises DatabaseBusy or DatabaseUnavailable."""
        await sweep(self._db, _SWEEP, batch=self._batch)
