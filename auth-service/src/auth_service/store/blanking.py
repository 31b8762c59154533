"""Addresses and agents taken out of the trail of who is deleted, a piece at a time.

However long the trail is, a piece takes a fraction of a second. The erasure's row says how far it
has come: what a process leaves when it is killed another goes on with, and none begins anew. No
row is missed behind that place, for none about who is deleted gets an address any more.
"""

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.erasures import THIS_SERVICE, Erasure
from auth_service.store.tables import erasures, service_erasures
from chassis.db.statement import Statement

# Touches the erasure's row exactly when more may follow. Rows are locked in their order, so that
# two who did things to each other can be deleted at once.
_PIECE = 5000
_BLANK = Statement(
    text(
        f"""
        WITH reached AS (
            SELECT reached_at, reached_id FROM service_erasures
            WHERE erasure_id = :erasure_id AND service = :service
        ), piece AS MATERIALIZED (
            (SELECT at, id FROM audit WHERE subject_id = CAST(:user_id AS uuid) AND (at, id)
                > ((SELECT reached_at FROM reached), (SELECT reached_id FROM reached))
             ORDER BY at, id LIMIT {_PIECE})
            UNION
            (SELECT at, id FROM audit WHERE actor_id = CAST(:user_id AS uuid) AND (at, id)
                > ((SELECT reached_at FROM reached), (SELECT reached_id FROM reached))
             ORDER BY at, id LIMIT {_PIECE})
            ORDER BY at, id LIMIT {_PIECE}
        ), locked AS (
            SELECT audit.id FROM audit JOIN piece ON piece.id = audit.id
            WHERE audit.ip <> '' OR audit.user_agent <> ''
            ORDER BY audit.at, audit.id FOR UPDATE OF audit
        ), blanked AS (
            UPDATE audit SET ip = '', user_agent = '' FROM locked WHERE audit.id = locked.id
        )
        UPDATE service_erasures SET reached_at = final.at, reached_id = final.id
        FROM (SELECT at, id FROM piece ORDER BY at, id OFFSET {_PIECE - 1}) AS final
        WHERE erasure_id = :erasure_id AND service = :service
        """  # noqa: S608 - a number of our own
    )
)
_CLAIM = Statement(
    select(erasures.c.id, erasures.c.tenant_id, erasures.c.user_id, erasures.c.requested_at)
    .join(service_erasures, service_erasures.c.erasure_id == erasures.c.id)
    .where(service_erasures.c.service == THIS_SERVICE, service_erasures.c.erased_at.is_(None))
    .order_by(erasures.c.requested_at)
    .limit(1)
    .with_for_update(of=service_erasures, skip_locked=True)
)


class PostgresBlanking:
    """See the port Blanking."""

    _connection: AsyncConnection

    async def blank_trail(self, erasure: Erasure) -> bool:
        more = await _BLANK.run(
            self._connection,
            erasure_id=erasure.id,
            service=THIS_SERVICE,
            user_id=erasure.user_id,
        )
        return not more


class PostgresUnblanked:
    """See the port Unblanked."""

    _connection: AsyncConnection

    async def claim_unblanked(self) -> Erasure | None:
        row = await _CLAIM.first(self._connection)
        return None if row is None else Erasure(**row._asdict())
