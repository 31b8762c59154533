"""Codes by e-mail, and passwords that were forgotten."""

from starlette.responses import Response

from gateway.clients import Services
from gateway.routers.auth import Client
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.schemas.codes import PURPOSES, CodeGuess, CodeRequest, CodeVerdict, PasswordReset
from parley.auth.v1 import auth_pb2 as pb

router = api_router("Identity", "/auth")


@router.post(
    "/send-code",
    status_code=202,
    response_class=Response,
    openapi_extra=refuses("TOO_MANY_ATTEMPTS"),
)
async def send_code(body: CodeRequest, client: Client, services: Services) -> Response:
    """Have a code sent to an e-mail address.

    It is sent if there is cause to; the answer is the same whoever the address belongs to.
    """
    auth = services.auth
    await auth.tell(
        auth.stub.SendCode,
        pb.SendCodeRequest(email=body.email, purpose=PURPOSES[body.purpose], client=client),
    )
    return Response(status_code=202)


@router.post("/verify-code", openapi_extra=refuses("TOO_MANY_ATTEMPTS"))
async def verify_code(body: CodeGuess, client: Client, services: Services) -> CodeVerdict:
    """Tell whether a code is good.

    Counts as a guess and redeems nothing.
    """
    auth = services.auth
    response = await auth.tell(
        auth.stub.VerifyCode,
        pb.VerifyCodeRequest(
            email=body.email, code=body.code, purpose=PURPOSES[body.purpose], client=client
        ),
    )
    return CodeVerdict(valid=response.valid)


@router.post(
    "/reset-password",
    status_code=204,
    openapi_extra=refuses("INVALID_CODE", "TOO_MANY_ATTEMPTS"),
)
async def reset_password(body: PasswordReset, client: Client, services: Services) -> None:
    """Set a new password with a code.

    Every login and every personal access token ends, within seconds also what it has open.
    """
    auth = services.auth
    await auth.tell(
        auth.stub.ResetPassword,
        pb.ResetPasswordRequest(
            email=body.email, code=body.code, new_password=body.new_password, client=client
        ),
        slow=True,
    )
