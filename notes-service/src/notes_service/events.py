"""What the notes service hears and says on JetStream."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from google.protobuf.message import DecodeError

from chassis.jetstream import Unreadable
from notes_service.usecases.erasure import erase_user
from notes_service.usecases.ports import OpenErasure
from parley.events.v1 import events_pb2


class UserDeletedHandler:
    """Erases a deleted user; idempotent, and confirms with UserErased each time.

    ``announce`` is called after the commit, so that the confirmation leaves at once. Raises
    Unreadable for an event that it cannot read.
    """

    def __init__(
        self, open_erasure: OpenErasure, *, service: str, announce: Callable[[], None]
    ) -> None:
        self._open_erasure = open_erasure
        self._service = service
        self._announce = announce

    async def __call__(self, payload: bytes) -> None:
        try:
            deleted = events_pb2.UserDeleted.FromString(payload)
            user_id, tenant_id = UUID(deleted.user_id), UUID(deleted.tenant_id)
        except (DecodeError, ValueError) as error:
            raise Unreadable("not a UserDeleted") from error

        def receipt(erased_at: datetime) -> bytes:
            erased = events_pb2.UserErased(
                erasure_id=deleted.erasure_id, user_id=deleted.user_id, service=self._service
            )
            erased.erased_at.FromDatetime(erased_at)
            return erased.SerializeToString()

        await erase_user(
            self._open_erasure,
            user_id=user_id,
            tenant_id=tenant_id,
            receipt=receipt,
        )
        self._announce()
