"""Revocation of the access tokens of logins and personal access tokens that end."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from auth_service.domain.trust import permanent_revocation
from auth_service.store.revocations import Revocations
from auth_service.store.transactions import Transaction
from chassis.ids import new_id


async def revoke_sids(
    transaction: Transaction,
    sids: Iterable[UUID],
    now: datetime,
    *,
    tenant_id: UUID,
    user_id: UUID,
) -> None:
    """Revoke what was issued to these logins or personal access tokens of the user, for good.

    One by one: a revocation of the user would take what is signed in the same second for a login
    that goes on, and leave what a clock ahead of ours has signed.
    """
    await Revocations(transaction).add(
        *(
            permanent_revocation(
                new_id(), tenant_id=tenant_id, user_id=user_id, sid=str(sid), now=now
            )
            for sid in sids
        )
    )
