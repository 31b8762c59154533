"""What a user wants of the whole."""

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from parley.bounds import LANGUAGE, LANGUAGE_PATTERN

_LANGUAGE: Final = re.compile(LANGUAGE_PATTERN)


class Theme(StrEnum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class UserSettings:
    """Settings as they hold; the defaults are what holds where nothing was set.

    ``language`` is a tag of BCP 47, None for the browser's; ``default_persona`` None for the operator's;
    ``retention_days`` None for as long as the operator keeps sessions. ``version`` is 0 until something
    is set, and one more with each change.
    """

    language: str | None = None
    theme: Theme = Theme.SYSTEM
    instructions: str = ""
    default_persona: str | None = None
    titles_by_model: bool = False
    retention_days: int | None = None
    enter_sends: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """The newest change of a user's settings, and what holds since then.

    A change that was committed later has a higher ``number``.
    """

    number: int
    user_id: UUID
    tenant_id: UUID
    settings: UserSettings


#: What can be set, and reset.
NAMES: Final = frozenset(field.name for field in fields(UserSettings)) - {"version"}


def settings_of(kept: dict[str, Any], version: int) -> UserSettings:
    """What holds by what is ``kept``. What only another release knows is kept, and not in it."""
    known = {name: value for name, value in kept.items() if name in NAMES}
    if "theme" in known:
        known["theme"] = Theme(known["theme"])
    return UserSettings(**known, version=version)


def normalise_language(tag: str) -> str:
    """``tag`` as it is usually written: zh-Hans-CN."""
    first, *rest = tag.strip().split("-")
    return "-".join([first.lower(), *map(_subtag, rest)])


def _subtag(text: str) -> str:
    if text.isalpha() and len(text) == 4:
        return text.title()
    return text.upper() if text.isalpha() and len(text) == 2 else text.lower()


def is_language(tag: str) -> bool:
    """Whether it has the form of a language tag, of at most 35 characters."""
    return len(tag) <= LANGUAGE.maximum and _LANGUAGE.fullmatch(tag) is not None
