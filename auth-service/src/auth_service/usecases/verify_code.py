"""Whether a code is good, asked by who has not decided yet what for."""

from auth_service.domain.codes import Purpose, code_problem
from auth_service.domain.emails import email_problem, normalise_email
from auth_service.domain.logins import Client
from auth_service.usecases.guessing import guess
from auth_service.usecases.ports import Ports
from auth_service.usecases.validating import refuse


async def verify_code(
    ports: Ports, *, email: str, code: str, purpose: Purpose, client: Client
) -> bool:
    """Whether the code is good; counts as a guess and redeems nothing.

    Raises ValidationFailed for what is no address or no code, TooManyAttempts.
    """
    email = normalise_email(email)
    refuse(email=email_problem(email), code=code_problem(code))
    return await guess(ports, purpose=purpose, email=email, code=code, client=client)
