"""Events that auth-service publishes and consumes on JetStream."""

from datetime import UTC
from uuid import UUID

from google.protobuf.message import DecodeError

from auth_service.domain.audit_log import NO_CLIENT, AuditEntry
from auth_service.domain.erasures import Erasure
from auth_service.usecases.audit_log import record_told
from auth_service.usecases.erasures import confirm_erasure
from auth_service.usecases.ports import Ports
from chassis.ids import parse_id
from chassis.jetstream import Unreadable
from parley.events.audit import checked
from parley.events.v1 import events_pb2
from servicekit.timestamps import timestamp_of


def encode_deleted(erasure: Erasure) -> bytes:
    """The payload of UserDeleted, the same each time it is sent."""
    return events_pb2.UserDeleted(
        erasure_id=str(erasure.id),
        user_id=str(erasure.user_id),
        tenant_id=str(erasure.tenant_id),
        deleted_at=timestamp_of(erasure.requested_at),
    ).SerializeToString()


class UserErasedHandler:
    """Records that ``service`` has erased a user; idempotent. Raises Unreadable for what is no confirmation.

    ``service`` alone may publish the events that come here; None: any service may. An event that
    names another service is Unreadable too.
    """

    def __init__(self, ports: Ports, *, service: str | None) -> None:
        self._ports = ports
        self._service = service

    async def __call__(self, payload: bytes) -> None:
        try:
            erased = events_pb2.UserErased.FromString(payload)
            erasure_id = UUID(erased.erasure_id)
            erased_at = erased.erased_at.ToDatetime(tzinfo=UTC)
        except (DecodeError, ValueError, OverflowError) as error:
            raise Unreadable("not a UserErased") from error
        if self._service not in (None, erased.service):
            raise Unreadable(f"{self._service} confirms for another service")
        await confirm_erasure(
            self._ports,
            erasure_id=erasure_id,
            service=erased.service,
            erased_at=erased_at,
        )


class AuditedHandler:
    """Records what users did in ``service``; idempotent. Raises Unreadable for what it may not tell.

    ``service`` alone may publish the events that come here.
    """

    def __init__(self, ports: Ports, *, service: str) -> None:
        self._ports = ports
        self._service = service

    async def __call__(self, payload: bytes) -> None:
        await record_told(self._ports.open_system, self._entry_of(payload))

    def _entry_of(self, payload: bytes) -> AuditEntry:
        try:
            told = events_pb2.Audited.FromString(payload)
            user_id = UUID(told.user_id)
            return AuditEntry(
                id=UUID(told.id),
                at=told.at.ToDatetime(tzinfo=UTC),
                event=checked(self._service, told.event, told.fields),
                tenant_id=UUID(told.tenant_id),
                actor_id=user_id if told.HasField("sid") else None,
                subject_id=user_id,
                client=NO_CLIENT,
                fields=dict(told.fields),
                sid=parse_id(told.sid),
            )
        except (DecodeError, ValueError, OverflowError) as error:
            raise Unreadable("nothing that the audit log is told") from error
