"""Erasures: their beginning, the receipt, the services' confirmations, the sweep."""

from datetime import datetime, timedelta
from uuid import UUID

from auth_service.domain.erasures import ERASING_SERVICES, THIS_SERVICE, Erasure, Receipt
from auth_service.domain.errors import ErasureNotFound
from auth_service.domain.trust import permanent_revocation
from auth_service.domain.users import User
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.erasures import Erasures
from auth_service.store.revocations import Revocations
from auth_service.store.transactions import CallerTransaction, OpenSystem, Transaction
from auth_service.usecases.ports import Ports
from chassis.clock import utc_now
from chassis.ids import new_id, parse_id

_BATCH = 100


async def begin_erasure(transaction: CallerTransaction, user: User, erasure_id: UUID) -> None:
    """Take the user away: nothing personal is left here but addresses in a very long audit
    log, every login has ended, access tokens are refused, the name is free again, and the
    event for the other services is on its way.
    """
    now = utc_now()
    erasure = Erasure(erasure_id, user.tenant_id, user.id, requested_at=now)
    await Accounts(transaction).leave_tombstone(user.id, now)
    await Revocations(transaction).add(
        permanent_revocation(new_id(), tenant_id=user.tenant_id, user_id=user.id, sid=None, now=now)
    )
    await Erasures(transaction).add(erasure, services=ERASING_SERVICES)
    await _anonymise(transaction, erasure)
    await Erasures(transaction).publish_deleted(erasure)


async def anonymise_audit_logs(open_transaction: OpenSystem) -> None:
    """Anonymise the audit log entries that deletions have left, and confirm for this service; an
    erasure that another replica has locked is left to it.
    """
    while True:
        async with open_transaction() as transaction:
            erasure = await Erasures(transaction).claim_to_anonymise()
            if erasure is None:
                return
            await _anonymise(transaction, erasure)


async def get_erasure(open_transaction: OpenSystem, erasure_id: str) -> Receipt:
    """How far an erasure has come. Raises ErasureNotFound, also for what is no id at all."""
    parsed = parse_id(erasure_id)
    if parsed is not None:
        async with open_transaction() as transaction:
            receipt = await Erasures(transaction).receipt(parsed)
        if receipt is not None:
            return receipt
    raise ErasureNotFound()


async def confirm_erasure(
    ports: Ports, *, erasure_id: UUID, service: str, erased_at: datetime
) -> None:
    """Note a service's confirmation; the first one counts, any later one changes nothing."""
    async with ports.open_system() as transaction:
        known = await Erasures(transaction).confirm(erasure_id, service, erased_at)
    if not known:
        # No repetition makes it known: raising would only bring the same event again.
        ports.logger.warning(
            "erasure.unknown_confirmation", erasure_id=str(erasure_id), confirming=service
        )


async def sweep_erasures(ports: Ports, *, older_than: timedelta) -> int:
    """Send the event again for every erasure that is not confirmed by all services and whose
    event is older than that; returns how many.
    """
    now = utc_now()
    count = 0
    while True:
        async with ports.open_system() as transaction:
            repository = Erasures(transaction)
            erasures = await repository.claim_unconfirmed(
                sent_before=now - older_than, at=now, limit=_BATCH
            )
            for erasure in erasures:
                await repository.publish_deleted(erasure)
        count += len(erasures)
        if len(erasures) < _BATCH:
            break
    if count:
        ports.logger.warning("erasure.repeated", count=count)
    return count


async def _anonymise(transaction: Transaction, erasure: Erasure) -> None:
    """A batch of audit log entries at a time: a long audit log delays no deletion."""
    if await AuditLog(transaction).anonymise(erasure):
        await Erasures(transaction).confirm(erasure.id, THIS_SERVICE, utc_now())
