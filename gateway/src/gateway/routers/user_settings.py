"""The settings of whoever is logged in."""

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from gateway.clients import Services
from gateway.identity.authentication import CallerOf
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.user_settings import UserSettings, UserSettingsChange
from parley.auth.v1 import auth_pb2 as pb
from parley.chat.v1 import user_settings_pb2

_log = get_logger(__name__)

router = api_router("Identity", "/me/settings")


@router.get("")
async def get_settings(caller: CallerOf, services: Services) -> UserSettings:
    """Show one's settings."""
    settings = services.settings
    response = await settings.ask(
        settings.stub.GetUserSettings, pb.GetUserSettingsRequest(), caller
    )
    return UserSettings.of(response.settings)


@router.patch("", openapi_extra=refuses("TOO_MANY_ATTEMPTS"))
async def update_settings(
    body: UserSettingsChange, caller: CallerOf, services: Services
) -> UserSettings:
    """Change one's settings.

    What is given is changed, all of it or nothing. Null takes it back. Questions that are asked
    behind the answer go by it.
    """
    settings = services.settings
    response = await settings.tell(settings.stub.UpdateUserSettings, body.request(), caller)
    chat = services.chat_settings
    try:
        await chat.ask(
            chat.stub.TakeUserSettings, user_settings_pb2.TakeUserSettingsRequest(), caller
        )
    except AppError as error:
        # They are kept, and hold there as soon as it looks by itself.
        _log.info("settings.not_taken_yet", reason=error.reason)
    return UserSettings.of(response.settings)
