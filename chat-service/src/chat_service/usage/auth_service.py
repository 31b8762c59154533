"""The port `NoteReading` over gRPC."""

from typing import Final
from uuid import UUID

from chassis.grpc.client import Channel
from chat_service.usage.domain.report import Days
from chat_service.usage.usecases.tenants import NoteReading
from parley.auth.v1 import auth_pb2, auth_pb2_grpc

_DEADLINE_SECONDS: Final = 5.0


def note_reading_over(channel: Channel) -> NoteReading:
    """Returns the port: each call speaks for the user of the gRPC call being served."""

    async def note_reading(tenant_id: str | None, days: Days) -> UUID | None:
        request = auth_pb2.NoteUsageReadRequest(tenant_id=tenant_id, to=days.last.isoformat())
        # Not as an attribute: it is a word of Python's.
        setattr(request, "from", days.first.isoformat())
        # Tried once: a line too many would be one that is not true.
        response = await channel.unary(
            channel.stub(auth_pb2_grpc.AuthServiceStub).NoteUsageRead,
            request,
            timeout=_DEADLINE_SECONDS,
        )
        return UUID(response.tenant_id) if response.HasField("tenant_id") else None

    return note_reading
