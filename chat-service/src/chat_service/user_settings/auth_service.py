"""The port `ListChanges` over gRPC."""

from typing import Final
from uuid import UUID

from chassis.grpc.client import Channel
from chat_service.user_settings.domain.settings import Changes, ListChanges, SettingsChange
from parley.auth.v1 import auth_pb2, auth_pb2_grpc

_DEADLINE_SECONDS: Final = 5.0
#: As many as auth-service gives at once.
_PAGE: Final = 100


def list_changes_over(channel: Channel) -> ListChanges:
    """Returns the port: it speaks for no user."""

    async def list_changes(after: int) -> Changes:
        page = await channel.unary(
            channel.stub(auth_pb2_grpc.SettingsServiceStub).ListSettingsChanges,
            auth_pb2.ListSettingsChangesRequest(after=after, limit=_PAGE),
            timeout=_DEADLINE_SECONDS,
            idempotent=True,
        )
        items = tuple(_change_of(one) for one in page.items)
        return Changes(items, page.newest, is_last=len(items) < _PAGE)

    return list_changes


def _change_of(change: auth_pb2.SettingsChange) -> SettingsChange:
    return SettingsChange(
        number=change.change,
        user_id=UUID(change.user_id),
        tenant_id=UUID(change.tenant_id),
        instructions=change.instructions,
        default_persona=change.default_persona if change.HasField("default_persona") else None,
        titles_by_model=change.titles_by_model,
        retention_days=change.retention_days if change.HasField("retention_days") else None,
    )
