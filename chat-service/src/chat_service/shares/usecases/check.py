"""What may be said of a share."""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_number, check_text
from chat_service.shares.domain.share import Told, WantedChange
from parley.bounds import SHARE_EXPIRES_IN, SHARE_MAX_VIEWS, SHARE_PASSWORD, Range


def checked(told: Told) -> Told:
    """As it is kept: of a password one of its spellings. Raises ValidationFailed."""
    password = _normal(told.password)
    _refuse(_check(told.expires_in, password, told.max_views))
    return replace(told, password=password)


def checked_change(wanted: WantedChange) -> WantedChange:
    """The same of a change; raises ValidationFailed also for what is given and taken away at once."""
    password = _normal(wanted.password)
    errors = _check(wanted.expires_in, password, wanted.max_views)
    for field, given, taken in (
        ("expires_in", wanted.expires_in, wanted.without_expiry),
        ("password", password, wanted.without_password),
        ("max_views", wanted.max_views, wanted.without_max_views),
    ):
        if given is not None and taken:
            errors.append(FieldError(field, "GIVEN_AND_CLEARED"))
    _refuse(errors)
    return replace(wanted, password=password)


def normal_guess(password: str) -> str | None:
    """A password that is tried, as it would be kept; None for one that no share has."""
    normal = _normal(password)
    return None if normal is None or _check(None, normal, None) else normal


def _normal(password: str | None) -> str | None:
    # However a keyboard has made it.
    return None if password is None else unicodedata.normalize("NFKC", password)


def _check(expires_in: int | None, password: str | None, max_views: int | None) -> list[FieldError]:
    errors = _check_range("expires_in", expires_in, SHARE_EXPIRES_IN)
    errors += _check_range("max_views", max_views, SHARE_MAX_VIEWS)
    if password is not None:
        errors += check_text(
            "password",
            password,
            minimum=SHARE_PASSWORD.minimum,
            maximum=SHARE_PASSWORD.maximum,
        )
    return errors


def _check_range(field: str, value: int | None, within: Range) -> list[FieldError]:
    if value is None:
        return []
    return check_number(field, value, minimum=within.minimum, maximum=within.maximum)


def _refuse(errors: Sequence[FieldError]) -> None:
    if errors:
        raise ValidationFailed(fields=errors)
