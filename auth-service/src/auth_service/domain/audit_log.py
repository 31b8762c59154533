"""The audit log: what happened to accounts, in ids and words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth_service.domain.logins import Client

# No client: a command did it, or the service itself.
NO_CLIENT = Client("", "")


# ruff: noqa: S105 - what happens to a password is none
class Event(StrEnum):
    """The events of the audit log; the word before the first dot is what it happened to."""

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
    SETTINGS_CHANGED = "settings.changed"
    PAT_CREATED = "pat.created"
    PAT_USED = "pat.used"
    PAT_REFUSED = "pat.refused"
    PAT_DELETED = "pat.deleted"
    TENANT_MADE = "tenant.made"
    USAGE_READ = "usage.read"


# The process's log has these as warnings: a person should look at them.
WARNINGS = frozenset({Event.LOGIN_REUSE_DETECTED})


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log.

    ``actor_id`` is who did it, absent where nobody was logged in; ``subject_id`` whom it is about,
    and ``tenant_id`` the tenant whose audit log it belongs to, both absent when unknown. ``sid`` is
    the actor's login, whose address is stored when ``client`` has none; absent where the tenant must
    not see that address. ``fields`` never hold a secret or somebody's name.
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
class AuditFilter:
    """Which entries: all that match every field that is set.

    ``event`` is a whole name, or a beginning that ends with a dot; ``user_id`` is whom it is
    about or who did it; ``since`` is the first moment and ``until`` the first one too late.
    """

    tenant_id: UUID | None = None
    event: str = ""
    user_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
