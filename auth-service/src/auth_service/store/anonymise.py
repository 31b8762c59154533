"""Anonymise the audit log of a deleted user: addresses and agents go, a batch at a time.

However long the audit log is, a batch takes a fraction of a second. The erasure's row says how far
it has come: when a process is killed, another goes on from there. No row before that place is
missed, for no new entry about a deleted user gets an address.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.erasures import THIS_SERVICE, Erasure
from chassis.db.statement import Statement

# A user's entries are read along their indexes, whatever part of the table they are and whatever
# the planner prefers: it must not gather and sort all of them for each batch.
_USE_INDEXES = Statement(
    text(
        "SELECT set_config('enable_seqscan', 'off', true),"
        " set_config('enable_bitmapscan', 'off', true),"
        " set_config('enable_sort', 'off', true), set_config('jit', 'off', true)"
    )
)
_BATCH = 5000
_NEXT_ROWS = """
    (SELECT at, id, ctid, ip <> '' OR user_agent <> '' AS is_open FROM audit
     WHERE {person} <= CAST(:user_id AS uuid)
         AND ({person}, at, id) > (CAST(:user_id AS uuid),
             (SELECT reached_at FROM reached), (SELECT reached_id FROM reached))
     ORDER BY {person}, at, id LIMIT {batch})
"""
# Updates the erasure's row exactly when more may follow. An entry of what users did to themselves
# is found twice, which does no harm. By `ctid` rows are locked in one order, so that two users who
# did things to each other can be deleted at once; the next version of a row is anonymous.
_ANONYMISE = Statement(
    text(
        f"""
        WITH reached AS (
            SELECT reached_at, reached_id FROM service_erasures
            WHERE erasure_id = :erasure_id AND service = :service
        ), piece AS MATERIALIZED (
            {_NEXT_ROWS.format(person="subject_id", batch=_BATCH)}
            UNION ALL {_NEXT_ROWS.format(person="actor_id", batch=_BATCH)}
            ORDER BY at, id LIMIT {_BATCH}
        ), anonymised AS (
            UPDATE audit SET ip = '', user_agent = ''
            WHERE ctid = ANY (ARRAY(SELECT ctid FROM piece WHERE is_open))
        )
        UPDATE service_erasures SET reached_at = final.at, reached_id = final.id
        FROM (SELECT at, id FROM piece ORDER BY at, id OFFSET {_BATCH - 1}) AS final
        WHERE erasure_id = :erasure_id AND service = :service
        """  # noqa: S608 - words and a number of our own
    )
)


async def anonymise_batch(connection: AsyncConnection, erasure: Erasure) -> bool:
    """Take addresses and agents out of the next few thousand entries about the user, or by them;
    True if these were the last. To be called once the user is a tombstone.
    """
    await _USE_INDEXES.run(connection)
    more = await _ANONYMISE.run(
        connection,
        erasure_id=erasure.id,
        service=THIS_SERVICE,
        user_id=erasure.user_id,
    )
    return not more
