"""A tenant: users who share an administrator, and nothing else."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from parley.bounds import TENANT_NAME, is_line
from servicekit.names import fold_name


@dataclass(frozen=True, slots=True)
class Tenant:
    id: UUID
    name: str
    created_at: datetime


def normalise_tenant_name(text: str) -> str:
    """``text`` as it is kept: NFKC, without white space around it."""
    return unicodedata.normalize("NFKC", text[: 8 * TENANT_NAME.maximum]).strip()


def tenant_name_key(name: str) -> str:
    """What must be unique: equal for names that look the same. Defined for any text."""
    return fold_name(name)


def tenant_name_problem(name: str) -> str | None:
    """Why a normalised ``name`` is refused, None if it is not: 1–64 printable characters."""
    if not name:
        return "REQUIRED"
    if len(name) > TENANT_NAME.maximum:
        return "TOO_LONG"
    return None if is_line(name) else "INVALID_CHARACTER"
