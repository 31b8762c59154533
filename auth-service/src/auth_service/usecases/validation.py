"""Validation of requests, field by field."""

from chassis.errors import FieldError, ValidationFailed
from parley.bounds import DISPLAY_NAME, EMAIL, PASSWORD, TENANT_NAME, USERNAME

_LENGTHS = {
    "username": USERNAME,
    "email": EMAIL,
    "password": PASSWORD,
    "new_password": PASSWORD,
    "display_name": DISPLAY_NAME,
    "name": TENANT_NAME,
}


def check_fields(**problems: str | None) -> None:
    """Raise ValidationFailed if any field has a problem, naming every one that has, and how long
    what is too short or too long may be.
    """
    if fields := [_error(name, reason) for name, reason in problems.items() if reason]:
        raise ValidationFailed(fields=fields)


def _error(name: str, reason: str) -> FieldError:
    match reason:
        case "TOO_SHORT":
            return FieldError(name, reason, minimum=_LENGTHS[name].minimum)
        case "TOO_LONG":
            return FieldError(name, reason, maximum=_LENGTHS[name].maximum)
    return FieldError(name, reason)
