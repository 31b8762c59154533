"""What users do here that belongs in the audit log, which auth-service keeps."""

from typing import Final

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.db.transactions import Transaction
from chassis.ids import new_id
from chassis.outbox import enqueue
from parley.events.audit import Deed, checked
from parley.events.rights import audited_by
from parley.events.v1 import events_pb2

__all__ = ["Audit", "Deed"]

_SERVICE: Final = "chat-service"


class Audit:
    """Notes deeds in the transaction that does them: what is not done is not told, and what is done is, once
    NATS and auth-service are there to hear it. `prefix` is the deployment's, of its events.
    """

    def __init__(self, prefix: str) -> None:
        self._subject = f"{prefix}.{audited_by(_SERVICE)}"

    async def note(
        self, transaction: Transaction, deed: Deed, by: Caller | None, /, **fields: object
    ) -> None:
        """The transaction's user did it as `by`; None: the service did it by itself.

        Raises ValueError for fields that such a deed does not have, or that are neither ids nor words.
        """
        told = {name: str(value) for name, value in fields.items() if value is not None}
        checked(_SERVICE, deed, told)
        audited = events_pb2.Audited(
            id=str(new_id()),
            tenant_id=str(transaction.owner.tenant_id),
            user_id=str(transaction.owner.user_id),
            sid=None if by is None else by.sid,
            event=deed,
            fields=told,
        )
        audited.at.FromDatetime(utc_now())
        await enqueue(
            transaction.connection, subject=self._subject, payload=audited.SerializeToString()
        )
