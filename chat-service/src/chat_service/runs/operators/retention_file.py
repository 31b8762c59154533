"""How long conversations are kept, as a file in YAML, read whole or not at all.

::

    retention:
      deleted_days: 30        # behind the deletion
      temporary_hours: 24     # behind the last activity, as with the two below
      days: 365               # 0: for ever
      tenants:
        0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70: 90
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from chat_service.operator_yaml import Lines, bad_file, parsed
from chat_service.runs.domain.retention import (
    MOST_DAYS,
    MOST_DELETED_DAYS,
    MOST_TEMPORARY_HOURS,
    Retention,
)
from servicekit.file_parts import FilePart
from servicekit.operator_file import Reading

_MOST_BYTES: Final = 1024 * 1024
_TENANTS: Final = ("retention", "tenants")


class _Retention(FilePart):
    deleted_days: Annotated[int, Field(ge=0, le=MOST_DELETED_DAYS)] | None = None
    temporary_hours: Annotated[int, Field(ge=1, le=MOST_TEMPORARY_HOURS)] | None = None
    days: Annotated[int, Field(ge=0, le=MOST_DAYS)] | None = None
    tenants: dict[str, Annotated[int, Field(ge=1, le=MOST_DAYS)]] | None = None


class _File(FilePart):
    retention: _Retention


def read_retention(reading: Reading, path: Path, usual: Retention) -> Retention:
    """What the file says, and of what it does not say what is `usual`. Raises BadFile, with the line and the field
    of what is wrong.
    """
    file, lines = parsed(_File, reading.text(path, _MOST_BYTES))
    said = file.retention
    retention = usual
    if said.deleted_days is not None:
        retention = replace(retention, deleted=timedelta(days=said.deleted_days))
    if said.temporary_hours is not None:
        retention = replace(retention, temporary=timedelta(hours=said.temporary_hours))
    if said.days is not None:
        everything = timedelta(days=said.days) if said.days else None
        retention = replace(retention, everything=everything)
    if said.tenants is not None:
        retention = replace(retention, tenants=_tenants(said.tenants, lines))
    return retention


def _tenants(said: dict[str, int], lines: Lines) -> dict[UUID, int]:
    days: dict[UUID, int] = {}
    for key, number in said.items():
        try:
            tenant = UUID(key)
        except ValueError:
            raise bad_file([((*_TENANTS, key), "a tenant's id")], lines) from None
        if tenant in days:
            raise bad_file([((*_TENANTS, key), "this tenant is named twice")], lines)
        days[tenant] = number
    return days
