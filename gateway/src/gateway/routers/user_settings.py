"""The settings of whoever is logged in."""

from gateway.clients import Services
from gateway.identity.authentication import CallerOf
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.user_settings import UserSettings, UserSettingsChange
from parley.auth.v1 import auth_pb2 as pb

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

    What is given is changed, all of it or nothing. Null takes it back.
    """
    settings = services.settings
    response = await settings.tell(settings.stub.UpdateUserSettings, body.request(), caller)
    return UserSettings.of(response.settings)
