"""Codes that are sent by e-mail: six digits that show whose mailbox it is."""

import re
import secrets
from datetime import timedelta
from enum import StrEnum

from auth_service.domain.emails import email_key
from parley.bounds import CODE_PATTERN

CODE_LIFE = timedelta(minutes=10)

_SHAPE = re.compile(CODE_PATTERN)


class Purpose(StrEnum):
    """What a code is good for; the same words stand in the database."""

    # Verifies an address: of a new account, or of one that there is.
    REGISTER = "register"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word, not a password


def new_code() -> str:
    """Six random digits."""
    return f"{secrets.randbelow(1_000_000):06}"


def code_problem(code: str) -> str | None:
    """Why ``code`` can be nobody's, None if it may be somebody's."""
    if not code:
        return "REQUIRED"
    return None if _SHAPE.fullmatch(code) else "INVALID"


def bound_address(purpose: Purpose, email: str) -> str:
    """What a code for the normalised address ``email`` is bound to.

    One that verifies an address: that very address, since mail to another spelling of it may
    arrive elsewhere. One for an account: whatever spelling leads to the account, since what
    is sent goes to the address that was verified.
    """
    return email if purpose is Purpose.REGISTER else email_key(email)
