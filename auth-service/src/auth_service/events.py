"""Events that auth-service publishes and consumes on JetStream."""

from datetime import UTC
from uuid import UUID

from google.protobuf.message import DecodeError

from auth_service.domain.erasures import Erasure
from auth_service.usecases.erasures import confirm_erasure
from auth_service.usecases.ports import Ports
from chassis.jetstream import Unreadable
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
