"""What users want of the whole."""

from collections.abc import Mapping
from typing import Any, Final

import grpc.aio

from auth_service.mapping import THEMES, to_settings_change, to_user_settings
from auth_service.usecases.ports import Ports
from auth_service.usecases.user_settings import get_settings, list_changes, update_settings
from chassis.errors import FieldError, ValidationFailed
from chassis.grpc.caller import current_caller
from chassis.grpc.server import Method, allow
from parley.auth.v1 import auth_pb2, auth_pb2_grpc

POLICY: Mapping[str, Method] = {
    "GetUserSettings": allow("gateway"),
    "UpdateUserSettings": allow("gateway"),
    "ListSettingsChanges": allow("chat-service", open=True),
}

Context = grpc.aio.ServicerContext[Any, Any]

_PLAIN: Final = (
    "language",
    "instructions",
    "default_persona",
    "titles_by_model",
    "retention_days",
    "enter_sends",
)


class SettingsServicer(auth_pb2_grpc.SettingsServiceServicer):
    """See the contract."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def GetUserSettings(
        self,
        request: auth_pb2.GetUserSettingsRequest,
        context: Context,
    ) -> auth_pb2.GetUserSettingsResponse:
        settings = await get_settings(self._ports.open_caller, current_caller())
        return auth_pb2.GetUserSettingsResponse(settings=to_user_settings(settings))

    async def UpdateUserSettings(
        self,
        request: auth_pb2.UpdateUserSettingsRequest,
        context: Context,
    ) -> auth_pb2.UpdateUserSettingsResponse:
        given = {name: getattr(request, name) for name in _PLAIN if request.HasField(name)}
        if request.HasField("theme"):
            if request.theme not in THEMES:
                raise ValidationFailed(fields=[FieldError("theme", "NOT_ONE_OF")])
            given["theme"] = THEMES[request.theme]
        settings = await update_settings(
            self._ports, current_caller(), given, reset=frozenset(request.reset)
        )
        return auth_pb2.UpdateUserSettingsResponse(settings=to_user_settings(settings))

    async def ListSettingsChanges(
        self,
        request: auth_pb2.ListSettingsChangesRequest,
        context: Context,
    ) -> auth_pb2.ListSettingsChangesResponse:
        changes, newest = await list_changes(
            self._ports.open_system, after=request.after, limit=request.limit
        )
        return auth_pb2.ListSettingsChangesResponse(
            items=[to_settings_change(one) for one in changes], newest=newest
        )
