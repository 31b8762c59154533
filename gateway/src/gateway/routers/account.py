"""The account of whoever is logged in, and its end."""

from starlette.requests import Request
from starlette.responses import Response

from gateway.clients import Services
from gateway.identity import refresh_cookie
from gateway.identity.authentication import CallerOf
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.auth import AccountDeletion, Erasure, ErasureAccepted, User
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Identity", "")


@router.get("/me")
async def get_me(caller: CallerOf, services: Services) -> User:
    """Show the account that the access token speaks for."""
    auth = services.auth
    response = await auth.ask(auth.stub.GetMe, pb.GetMeRequest(), caller)
    return User.of(response.user)


@router.delete("/me", status_code=202, openapi_extra=refuses("WRONG_PASSWORD"))
async def delete_me(
    body: AccountDeletion,
    caller: CallerOf,
    services: Services,
    request: Request,
    response: Response,
) -> ErasureAccepted:
    """Delete one's account.

    With it goes everything of its owner's in every service; `/erasures/{erasure_id}` tells when.
    """
    auth = services.auth
    accepted = await auth.tell(
        auth.stub.DeleteMe, pb.DeleteMeRequest(password=body.password), caller, slow=True
    )
    refresh_cookie.take_back(request, response)
    return ErasureAccepted(erasure_id=accepted.erasure_id)


@router.get("/erasures/{erasure_id}")
async def get_erasure(erasure_id: str, services: Services) -> Erasure:
    """Show the receipt of an erasure.

    Its owner has no token any more: the id is what opens it.
    """
    auth = services.auth
    response = await auth.ask(auth.stub.GetErasure, pb.GetErasureRequest(erasure_id=erasure_id))
    return Erasure.of(response)
