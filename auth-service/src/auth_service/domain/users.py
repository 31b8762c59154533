"""A user, and what makes a username acceptable and unique."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from auth_service.domain.scripts import has_invisible, is_in_use, is_single_script
from parley.bounds import USERNAME

# No text of more characters normalises to a name: it is left as it is, and is too long.
_NORMALISED_MAX = 8 * USERNAME.maximum

_PUNCTUATION = frozenset("._-")


class Role(StrEnum):
    """What a user may do; the same words stand in the database and in access tokens."""

    USER = "user"
    TENANT_ADMIN = "tenant_admin"
    OPERATOR = "operator"


class Status(StrEnum):
    """Whether a user who is not deleted may log in."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class User:
    """A living user. ``last_login_at`` is absent until the first log-in has ended."""

    id: UUID
    tenant_id: UUID
    username: str
    email: str
    role: Role
    created_at: datetime
    last_login_at: datetime | None = None
    # Absent while nobody has shown that the address is theirs.
    email_verified_at: datetime | None = None
    # How they wish to be called; empty: by the username.
    display_name: str = ""
    status: Status = Status.ACTIVE


@dataclass(frozen=True, slots=True)
class Account:
    """A living user together with what their password is checked against."""

    user: User
    password_hash: str = field(repr=False)
    # When this password was chosen: its hash may be made anew without that.
    password_set_at: datetime


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users: all that match every field that is set; ``query`` is folded already."""

    tenant_id: UUID | None = None
    query: str = ""
    status: Status | None = None
    ids: Sequence[UUID] | None = None


#: A place in a list in the order of names: a name, or its key, and an id.
NamePosition = tuple[str, UUID]


def normalise_username(text: str) -> str:
    """``text`` as it is kept and shown: NFKC, so that one look has one spelling."""
    return unicodedata.normalize("NFKC", text) if len(text) <= _NORMALISED_MAX else text


def username_key(text: str) -> str:
    """What must be unique: equal for names that differ in case or compatibility forms only.

    Defined for any text, acceptable as a name or not.
    """
    folded = normalise_username(text).casefold()
    # Folding can undo the normal form, and the other way round: at the third step both rest.
    return normalise_username(normalise_username(folded).casefold())


def username_problem(username: str) -> str | None:
    """Why a normalised ``username`` is refused, None if it is not.

    Accepted are 2–32 characters, each a letter or a decimal digit of a script in everyday use or
    one of ``.`` ``_`` ``-``, with at least one letter or digit, all of one writing: who sees a name
    reads it in one script (MIXED_SCRIPTS says that it is not so). ``@`` is never part of a name, so
    a name is never mistaken for an e-mail address.

    For new names: whoever has one of before keeps it, and logs in with it.
    """
    if not username:
        return "REQUIRED"
    if len(username) < USERNAME.minimum:
        return "TOO_SHORT"
    if len(username) > USERNAME.maximum:
        return "TOO_LONG"
    named = [_is_name_character(character) for character in username]
    if not all(
        good or character in _PUNCTUATION for good, character in zip(named, username, strict=True)
    ):
        return "INVALID_CHARACTER"
    # What is drawn as nothing may be a letter by category: two names that differ by it look the same.
    if has_invisible(username) or not is_in_use(username):
        return "INVALID_CHARACTER"
    if not any(named):
        return "INVALID"
    return None if is_single_script(username) else "MIXED_SCRIPTS"


def _is_name_character(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "L" or category == "Nd"
