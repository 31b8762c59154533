"""What services tell the audit log of auth-service: ids and words, never what a user has written."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID


class Deed(StrEnum):
    """What was done; the word before the dot is what it was done to."""

    SHARE_CREATED = "share.created"
    SHARE_CHANGED = "share.changed"
    SHARE_PASSWORD_SET = "share.password_set"  # noqa: S105 - that there is one, and not which
    SHARE_PASSWORD_REMOVED = "share.password_removed"  # noqa: S105
    SHARE_REFRESHED = "share.refreshed"
    SHARE_DELETED = "share.deleted"
    SHARE_DELETED_ALL = "share.deleted_all"
    EXPORT_BEGUN = "export.begun"
    IMPORT_BEGUN = "import.begun"
    IMPORT_ENDED = "import.ended"


#: By service, what it may tell, and the fields that each may have: an id where the name ends with
#: ``_id``, else a word or a number.
TOLD: Final[Mapping[str, Mapping[Deed, frozenset[str]]]] = {
    "chat-service": {
        Deed.SHARE_CREATED: frozenset({"share_id", "session_id", "audience", "password", "files"}),
        Deed.SHARE_CHANGED: frozenset(
            {"share_id", "session_id", "audience", "expiry", "max_views"}
        ),
        Deed.SHARE_PASSWORD_SET: frozenset({"share_id", "session_id"}),
        Deed.SHARE_PASSWORD_REMOVED: frozenset({"share_id", "session_id"}),
        Deed.SHARE_REFRESHED: frozenset({"share_id", "session_id"}),
        Deed.SHARE_DELETED: frozenset({"share_id", "session_id"}),
        Deed.SHARE_DELETED_ALL: frozenset({"count"}),
        # Of one conversation, or of all.
        Deed.EXPORT_BEGUN: frozenset({"session_id", "format", "files"}),
        Deed.IMPORT_BEGUN: frozenset({"import_id"}),
        Deed.IMPORT_ENDED: frozenset({"import_id", "state", "added", "messages"}),
    }
}

_WORD: Final = re.compile(r"[a-z0-9_]{1,20}")


def checked(service: str, event: str, fields: Mapping[str, str]) -> Deed:
    """The deed that ``service`` tells of. Raises ValueError for what it may not tell."""
    deed = Deed(event)
    known = TOLD[service].get(deed, frozenset())
    for name, value in fields.items():
        if name not in known:
            raise ValueError("a field that the deed does not have")
        if name.endswith("_id"):
            UUID(value)
        elif _WORD.fullmatch(value) is None:
            raise ValueError("neither a word nor a number")
    return deed
