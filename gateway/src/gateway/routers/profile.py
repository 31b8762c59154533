"""The profile of whoever is logged in."""

from gateway.clients import Services
from gateway.identity.authentication import CallerOf
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.profile import Profile, ProfileChange
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Identity", "/profile")


@router.get("")
async def get_profile(caller: CallerOf, services: Services) -> Profile:
    """Show one's profile."""
    auth = services.auth
    response = await auth.ask(auth.stub.GetMe, pb.GetMeRequest(), caller)
    return Profile.of(response.user)


@router.patch(
    "", openapi_extra=refuses("WRONG_PASSWORD", "INVALID_CODE", "EMAIL_TAKEN", "TOO_MANY_ATTEMPTS")
)
async def update_profile(body: ProfileChange, caller: CallerOf, services: Services) -> Profile:
    """Change one's profile.

    What is given is changed, all of it or nothing.
    """
    auth = services.auth
    response = await auth.tell(
        auth.stub.UpdateMe,
        pb.UpdateMeRequest(
            display_name=body.display_name,
            email=body.email,
            password=body.password,
            code=body.code,
        ),
        caller,
        slow=True,
    )
    return Profile.of(response.user)
