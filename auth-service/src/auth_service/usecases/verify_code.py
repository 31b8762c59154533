"""Whether a code is valid, without redeeming it."""

from auth_service.domain.codes import Purpose, code_problem
from auth_service.domain.emails import email_problem, normalise_email
from auth_service.domain.logins import Client
from auth_service.usecases.check_code import check_code
from auth_service.usecases.ports import Ports
from auth_service.usecases.validation import check_fields


async def verify_code(
    ports: Ports, *, email: str, code: str, purpose: Purpose, client: Client
) -> bool:
    """Whether the code is valid; counts as an attempt and redeems nothing.

    Raises ValidationFailed for what is no address or no code, TooManyAttempts.
    """
    email = normalise_email(email)
    check_fields(email=email_problem(email), code=code_problem(code))
    return await check_code(ports, purpose=purpose, email=email, code=code, client=client)
