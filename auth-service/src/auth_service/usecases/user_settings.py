"""Users read and change their settings."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from auth_service.domain.audit_log import Event
from auth_service.domain.errors import AccountDeleted
from auth_service.domain.limits import SETTINGS
from auth_service.domain.user_settings import (
    NAMES,
    SettingsChange,
    Theme,
    UserSettings,
    is_language,
    normalise_language,
)
from auth_service.store.accounts import Accounts
from auth_service.store.audit_log import AuditLog
from auth_service.store.transactions import OpenCaller, OpenSystem
from auth_service.store.user_settings import Settings, SettingsChanges
from auth_service.usecases.audit_log import entry_by
from auth_service.usecases.ports import Ports
from auth_service.usecases.rate_limit import attempt, count_attempts
from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import FieldError, ValidationFailed
from chassis.text import check_number, check_text
from parley.bounds import INSTRUCTIONS, LANGUAGE, PERSONA_NAME, RETENTION_DAYS, is_joined_line

# Of 32 kB each at most: far from the 16 MiB that gRPC carries at once.
_MOST_CHANGES: Final = 100


async def get_settings(open_transaction: OpenCaller, caller: Caller) -> UserSettings:
    """The caller's settings; the defaults where nothing was set."""
    async with open_transaction(caller) as transaction:
        return await Settings(transaction).get()


async def update_settings(
    ports: Ports, caller: Caller, given: Mapping[str, Any], *, reset: Collection[str] = ()
) -> UserSettings:
    """Set what is ``given``, by name and of the types of UserSettings, take back what is in ``reset``,
    all of it or nothing, and return what holds then.

    White space around a persona's name and a language tag is dropped. Counts against the rate limit
    SETTINGS: each change is an entry in the audit log, by names alone. Raises ValidationFailed,
    TooManyAttempts, AccountDeleted.
    """
    checked = _checked(given, reset)
    if not checked and not reset:
        return await get_settings(ports.open_caller, caller)
    async with ports.open_system() as transaction:
        await count_attempts(transaction, attempt(ports.pseudonyms, SETTINGS, str(caller.user_id)))
    async with ports.open_caller(caller) as transaction:
        # Locked, so that nothing is written for somebody who is deleted meanwhile.
        if await Accounts(transaction).find(caller.user_id, lock=True) is None:
            raise AccountDeleted()
        settings = await Settings(transaction).merge(checked, reset=reset, at=utc_now())
        names = ", ".join(sorted({*checked, *reset}))
        await AuditLog(transaction).record(entry_by(caller, Event.SETTINGS_CHANGED, names=names))
    return settings


async def list_changes(
    open_transaction: OpenSystem, *, after: int, limit: int
) -> tuple[Sequence[SettingsChange], int]:
    """The changes behind number ``after``, 1 to 100 of them (0: 100), and a number that none exceeds.

    Of each user there is the newest. Raises ValidationFailed.
    """
    errors = check_number("limit", limit, minimum=0, maximum=_MOST_CHANGES)
    if after < 0:
        errors.append(FieldError("after", "TOO_SMALL", minimum=0))
    if errors:
        raise ValidationFailed(fields=errors)
    async with open_transaction() as transaction:
        return await SettingsChanges(transaction).behind(after, limit=limit or _MOST_CHANGES)


def _checked(given: Mapping[str, Any], reset: Collection[str]) -> dict[str, Any]:
    """What is given, as it is kept. Raises ValidationFailed."""
    kept = dict(given)
    errors = [FieldError("reset", "NOT_ONE_OF") for name in reset if name not in NAMES]
    errors += [FieldError(name, "INVALID") for name in reset if name in given]
    if "language" in kept:
        kept["language"] = normalise_language(kept["language"])
        language = kept["language"]
        wrong = check_text("language", language, minimum=LANGUAGE.minimum, maximum=LANGUAGE.maximum)
        if not wrong and not is_language(language):
            wrong.append(FieldError("language", "INVALID"))
        errors += wrong
    if "theme" in kept:
        kept["theme"] = Theme(kept["theme"]).value
    if "instructions" in kept:
        errors += check_text("instructions", kept["instructions"], maximum=INSTRUCTIONS.maximum)
    if "default_persona" in kept:
        name = kept["default_persona"] = kept["default_persona"].strip()
        errors += check_text(
            "default_persona", name, minimum=PERSONA_NAME.minimum, maximum=PERSONA_NAME.maximum
        )
        if name and not is_joined_line(name):
            errors.append(FieldError("default_persona", "INVALID_CHARACTER"))
    if "retention_days" in kept:
        errors += check_number(
            "retention_days",
            kept["retention_days"],
            minimum=RETENTION_DAYS.minimum,
            maximum=RETENTION_DAYS.maximum,
        )
    if errors:
        raise ValidationFailed(fields=tuple(dict.fromkeys(errors)))
    return kept
