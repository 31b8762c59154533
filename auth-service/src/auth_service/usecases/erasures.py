"""Erasures after their request: the receipt, the services' confirmations, the sweep."""

from datetime import datetime, timedelta
from uuid import UUID

from auth_service.domain.erasures import Receipt
from auth_service.usecases.errors import ErasureNotFound
from auth_service.usecases.ports import Ports
from chassis.clock import utc_now
from chassis.ids import parse_id

_BATCH = 100


async def get_erasure(ports: Ports, erasure_id: str) -> Receipt:
    """How far an erasure has come. Raises ErasureNotFound, also for what is no id at all."""
    parsed = parse_id(erasure_id)
    if parsed is not None:
        async with ports.open_system() as transaction:
            receipt = await transaction.receipt(parsed)
        if receipt is not None:
            return receipt
    raise ErasureNotFound()


async def confirm_erasure(
    ports: Ports, *, erasure_id: UUID, service: str, erased_at: datetime
) -> None:
    """Note a service's confirmation; the first one counts, any later one changes nothing."""
    async with ports.open_system() as transaction:
        known = await transaction.confirm_erasure(erasure_id, service, erased_at)
    if not known:
        # It will never be known: raising would only bring the same event again.
        ports.journal.warning(
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
            erasures = await transaction.claim_unconfirmed(
                sent_before=now - older_than, at=now, limit=_BATCH
            )
            for erasure in erasures:
                await transaction.publish_deleted(erasure)
        count += len(erasures)
        if len(erasures) < _BATCH:
            break
    if count:
        ports.journal.warning("erasure.repeated", count=count)
    return count
