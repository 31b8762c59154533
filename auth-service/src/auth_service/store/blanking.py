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

# A trail is walked along its own indexes, however much of the table it is and whatever the
# planner thinks of it: to gather and sort all of it for each piece is what must not happen.
_WALK = Statement(
    text(
        "SELECT set_config('enable_seqscan', 'off', true),"
        " set_config('enable_bitmapscan', 'off', true),"
        " set_config('enable_sort', 'off', true), set_config('jit', 'off', true)"
    )
)
_PIECE = 5000
_NEXT = """
    (SELECT at, id, ctid, ip <> '' OR user_agent <> '' AS is_open FROM audit
     WHERE {person} <= CAST(:user_id AS uuid)
         AND ({person}, at, id) > (CAST(:user_id AS uuid),
             (SELECT reached_at FROM reached), (SELECT reached_id FROM reached))
     ORDER BY {person}, at, id LIMIT {piece})
"""
# Touches the erasure's row exactly when more may follow. What somebody did to themselves is there
# twice, which does no harm. By `ctid` rows are locked in one order, so that two who did things to
# each other can be deleted at once; the version that comes after a row's is blank.
_BLANK = Statement(
    text(
        f"""
        WITH reached AS (
            SELECT reached_at, reached_id FROM service_erasures
            WHERE erasure_id = :erasure_id AND service = :service
        ), piece AS MATERIALIZED (
            {_NEXT.format(person="subject_id", piece=_PIECE)}
            UNION ALL {_NEXT.format(person="actor_id", piece=_PIECE)}
            ORDER BY at, id LIMIT {_PIECE}
        ), blanked AS (
            UPDATE audit SET ip = '', user_agent = ''
            WHERE ctid = ANY (ARRAY(SELECT ctid FROM piece WHERE is_open))
        )
        UPDATE service_erasures SET reached_at = final.at, reached_id = final.id
        FROM (SELECT at, id FROM piece ORDER BY at, id OFFSET {_PIECE - 1}) AS final
        WHERE erasure_id = :erasure_id AND service = :service
        """  # noqa: S608 - words and a number of our own
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


async def _look(_row: object) -> None:
    """What was set is not looked at."""


class PostgresBlanking:
    """See the port Blanking."""

    _connection: AsyncConnection

    async def blank_trail(self, erasure: Erasure) -> bool:
        _WALK.defer(self._connection, _look)
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
