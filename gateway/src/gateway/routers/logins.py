"""The logins of whoever is logged in: which are open, their end, the password before them."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from gateway.clients import Services
from gateway.identity import refresh_cookie
from gateway.identity.authentication import CallerOf
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.logins import Login, PasswordChange
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Identity", "")


@router.put("/password", status_code=204, openapi_extra=refuses("WRONG_PASSWORD"))
async def change_password(body: PasswordChange, caller: CallerOf, services: Services) -> None:
    """Set a new password.

    Every other login ends, within seconds also what it has open. Personal access tokens go on: `DELETE /tokens/{id}` ends them.
    """
    auth = services.auth
    await auth.tell(
        auth.stub.ChangePassword,
        pb.ChangePasswordRequest(old_password=body.old_password, new_password=body.new_password),
        caller,
        slow=True,
    )


@router.get("/me/logins")
async def list_logins(
    query: Annotated[ListQuery, Query()], caller: CallerOf, services: Services
) -> Page[Login]:
    """List one's open logins, the last used first."""
    auth = services.auth
    response = await auth.ask(
        auth.stub.ListLogins,
        pb.ListLoginsRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[Login](
        items=[Login.of(login) for login in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.delete("/me/logins/{login_id}", status_code=204)
async def revoke_login(
    login_id: str, caller: CallerOf, services: Services, request: Request, response: Response
) -> None:
    """End one login.

    It may be this one. Within seconds what it has open ends as well.
    """
    auth = services.auth
    await auth.tell(auth.stub.RevokeLogin, pb.RevokeLoginRequest(id=login_id), caller)
    if login_id == caller.sid:
        refresh_cookie.take_back(request, response)


@router.delete("/me/logins", status_code=204)
async def revoke_logins(
    caller: CallerOf, services: Services, request: Request, response: Response
) -> None:
    """End all logins, this one included."""
    auth = services.auth
    await auth.tell(auth.stub.RevokeLogins, pb.RevokeLoginsRequest(), caller)
    refresh_cookie.take_back(request, response)
