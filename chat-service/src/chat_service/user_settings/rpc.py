"""What users have set, on the wire."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chassis.grpc.server import Method, allow
from parley.chat.v1 import user_settings_pb2, user_settings_pb2_grpc

POLICY: dict[str, dict[str, Method]] = {
    "parley.chat.v1.UserSettingsService": {"TakeUserSettings": allow("gateway")}
}


@dataclass(frozen=True, slots=True)
class UserSettingsServicer(user_settings_pb2_grpc.UserSettingsServiceServicer):
    """parley.chat.v1.UserSettingsService; `take` looks for changes."""

    take: Callable[[], Awaitable[None]]

    async def TakeUserSettings(
        self, request: user_settings_pb2.TakeUserSettingsRequest, context: object
    ) -> user_settings_pb2.TakeUserSettingsResponse:
        await self.take()
        return user_settings_pb2.TakeUserSettingsResponse()
