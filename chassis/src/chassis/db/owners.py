"""Who may still own rows: the lock that keeps a save in flight from resurrecting a user.

Each writing transaction of a user begins with :func:`lock_owner`; each erasing one begins with
:func:`erase_owner` and then deletes some hundreds of rows, so that no statement takes long
however much there is. Whichever comes second waits for the first: a writer that was first is
deleted with the rest, a writer that is second is refused. An erasure that finds nothing more to
delete is at its end, also where two are at work: each sees what the other has left.

The service's migration creates the table (here for ``notes``; ``FOR SHARE`` needs the right to
UPDATE some column, and the policy lets the app role lock its row but change nothing)::

    CREATE TABLE owners (
        user_id   uuid PRIMARY KEY,
        tenant_id uuid NOT NULL,
        erased_at timestamptz
    );
    ALTER TABLE owners ENABLE ROW LEVEL SECURITY;
    ALTER TABLE owners FORCE ROW LEVEL SECURITY;
    CREATE POLICY owners_app_read ON owners FOR SELECT TO parley_notes_app USING (
        tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
        AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
    );
    CREATE POLICY owners_app_add ON owners FOR INSERT TO parley_notes_app WITH CHECK (
        tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
        AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
        AND erased_at IS NULL
    );
    CREATE POLICY owners_app_lock ON owners FOR UPDATE TO parley_notes_app USING (
        tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
        AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
    ) WITH CHECK (false);
    CREATE POLICY owners_worker ON owners TO parley_notes_worker USING (true);
    GRANT SELECT, INSERT, UPDATE (tenant_id) ON owners TO parley_notes_app;
    GRANT SELECT, INSERT, UPDATE ON owners TO parley_notes_worker;
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.caller import Caller
from chassis.db.engine import RowOwner
from chassis.db.statement import Statement
from chassis.errors import AppError, Kind


class OwnerErased(AppError):
    """The user's account has been deleted: nothing is stored for them any more."""

    kind = Kind.UNAUTHENTICATED
    reason = "ACCOUNT_DELETED"
    detail = "This account has been deleted."


_LOCK = Statement(text("SELECT erased_at FROM owners WHERE user_id = :user_id FOR SHARE"))
_ADD = Statement(
    text(
        "INSERT INTO owners (user_id, tenant_id) VALUES (:user_id, :tenant_id)"
        " ON CONFLICT (user_id) DO NOTHING"
    )
)
# The first time of erasure stays: a repeated event is confirmed with the same moment.
_ERASE = Statement(
    text(
        "INSERT INTO owners (user_id, tenant_id, erased_at)"
        " VALUES (:user_id, :tenant_id, :erased_at)"
        " ON CONFLICT (user_id) DO UPDATE"
        " SET erased_at = COALESCE(owners.erased_at, EXCLUDED.erased_at)"
        " RETURNING erased_at"
    )
)


async def lock_owner(connection: AsyncConnection, owner: RowOwner | Caller) -> None:
    """Hold off the user's erasure until this transaction ends; call it before any write.

    Raises OwnerErased when the user is gone, or belongs to another tenant than ``owner`` says.
    A user's very first write takes two round trips more.
    """
    known = await _LOCK.first(connection, user_id=owner.user_id)
    if known is None:
        await _ADD.run(connection, user_id=owner.user_id, tenant_id=owner.tenant_id)
        # Again, and not trusting the insert: the eraser may have been the one it met.
        known = await _LOCK.first(connection, user_id=owner.user_id)
    if known is None or known.erased_at is not None:
        raise OwnerErased


async def erase_owner(
    connection: AsyncConnection, owner: RowOwner | Caller, at: datetime
) -> datetime:
    """Mark the user as erased, once their writers in flight have ended; then delete the rows.

    Call it first in the transaction, in the worker role. Returns when the user was erased:
    ``at``, or the earlier time if this is a repetition. Raises DatabaseBusy (through the
    transaction) when a writer stays longer than 5 s.
    """
    row = await _ERASE.first(
        connection, user_id=owner.user_id, tenant_id=owner.tenant_id, erased_at=at
    )
    assert row is not None
    erased_at: datetime = row.erased_at
    return erased_at
