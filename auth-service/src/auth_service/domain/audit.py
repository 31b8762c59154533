"""The audit trail: what happened to accounts, told in ids and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth_service.domain.logins import Client

# Nobody looked: a command, or the service itself.
UNSEEN = Client("", "")


# ruff: noqa: S105 - what happens to a password is none
class Event(StrEnum):
    """What can have happened; what stands before the first dot is what it happened to."""

    USER_REGISTERED = "user.registered"
    USER_DELETE_REFUSED = "user.delete_refused"
    USER_DELETED = "user.deleted"
    USER_ROLE_CHANGED = "user.role_changed"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    LOGIN_OPENED = "login.opened"
    LOGIN_REFUSED = "login.refused"
    LOGIN_CLOSED = "login.closed"
    LOGIN_REVOKED = "login.revoked"
    LOGINS_REVOKED = "logins.revoked"
    LOGIN_REUSE_DETECTED = "login.reuse_detected"
    PASSWORD_CHANGED = "password.changed"
    PASSWORD_RESET = "password.reset"
    PASSWORD_REFUSED = "password.refused"
    CODE_SENT = "code.sent"
    CODE_WITHHELD = "code.withheld"
    CODE_REFUSED = "code.refused"
    PROFILE_CHANGED = "profile.changed"
    PAT_CREATED = "pat.created"
    PAT_USED = "pat.used"
    PAT_REFUSED = "pat.refused"
    PAT_DELETED = "pat.deleted"
    TENANT_MADE = "tenant.made"


# What a person should look at without being asked to.
GRAVE = frozenset({Event.LOGIN_REUSE_DETECTED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    ``actor_id`` is who did it, absent where nobody was logged in; ``subject_id`` whom it is
    about, and ``tenant_id`` whose tenant's trail it belongs to, both absent when nobody knows.
    ``sid`` is the actor's login: it says where from when ``client`` does not; absent where that
    is none of that tenant's business. Neither ids nor
    words in ``fields`` are ever a secret or somebody's name.
    """

    id: UUID
    at: datetime
    event: str
    tenant_id: UUID | None
    actor_id: UUID | None
    subject_id: UUID | None
    client: Client
    fields: Mapping[str, str]
    sid: UUID | None = None


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries: all that match every field that is set.

    ``event`` is a whole name, or a beginning that ends with a dot; ``user_id`` is whom it is
    about or who did it; ``since`` is the first moment and ``until`` the first one too late.
    """

    tenant_id: UUID | None = None
    event: str = ""
    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
