"""What auth-service says and hears on JetStream."""

from datetime import UTC
from uuid import UUID

from google.protobuf.message import DecodeError

from auth_service.domain.erasures import Erasure
from auth_service.mapping import to_timestamp
from auth_service.usecases.erasures import confirm_erasure
from auth_service.usecases.ports import Ports
from chassis.jetstream import Unreadable
from parley.events.v1 import events_pb2

USER_DELETED = "user.deleted"
USER_ERASED = "user.erased"
DURABLE = "auth-service-user-erased"


def encode_deleted(erasure: Erasure) -> bytes:
    """The payload of UserDeleted, the same each time it is sent."""
    return events_pb2.UserDeleted(
        erasure_id=str(erasure.id),
        user_id=str(erasure.user_id),
        tenant_id=str(erasure.tenant_id),
        deleted_at=to_timestamp(erasure.requested_at),
    ).SerializeToString()


class UserErasedHandler:
    """Notes a service's confirmation; idempotent. Raises Unreadable for what is none."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def __call__(self, payload: bytes) -> None:
        try:
            erased = events_pb2.UserErased.FromString(payload)
            erasure_id = UUID(erased.erasure_id)
            erased_at = erased.erased_at.ToDatetime(tzinfo=UTC)
        except (DecodeError, ValueError, OverflowError) as error:
            raise Unreadable("not a UserErased") from error
        await confirm_erasure(
            self._ports,
            erasure_id=erasure_id,
            service=erased.service,
            erased_at=erased_at,
        )
