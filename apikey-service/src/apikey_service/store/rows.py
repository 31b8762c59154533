"""Rows of the table of keys as values, and the columns that make one."""

import json
from collections.abc import Sequence
from typing import Any, Final

from apikey_service.domain.key import Key, LastError, Learnt, Outcome, Provider
from servicekit.generation_parameters import GenerationParameters

#: What a key's owner may see.
SHOWN: Final = (
    "keys.id, keys.name, keys.masked_key, keys.model, keys.base_url, keys.provider,"
    " keys.created_at, keys.updated_at, keys.header_names, keys.parameters, keys.fallback_key_id,"
    " keys.last_used_at, keys.last_error_reason, keys.last_error_at, keys.learnt"
)
#: Row-level security says the same beneath: a query that forgot this would leak nothing.
MINE: Final = "keys.tenant_id = :tenant_id AND keys.user_id = :user_id"


def to_key(row: Any) -> Key:
    """Without saying whether it is the default: no row knows that by itself."""
    return Key(
        id=row.id,
        name=row.name,
        masked_key=row.masked_key,
        model=row.model,
        base_url=row.base_url,
        provider=Provider(row.provider),
        created_at=row.created_at,
        updated_at=row.updated_at,
        header_names=tuple(row.header_names),
        parameters=GenerationParameters.of(row.parameters),
        fallback_key_id=row.fallback_key_id,
        last_used_at=row.last_used_at,
        outcome=to_outcome(row),
    )


def to_outcome(row: Any) -> Outcome:
    """What the columns ``last_error_reason``, ``last_error_at`` and ``learnt`` say."""
    last_error = None
    if row.last_error_reason is not None:
        last_error = LastError(row.last_error_reason, row.last_error_at)
    return Outcome(last_error, to_learnt(row.learnt))


def to_learnt(items: Sequence[Any]) -> tuple[Learnt, ...]:
    return tuple(Learnt(item["model"], item["parameter"], item["use"]) for item in items)


def from_learnt(learnt: Sequence[Learnt]) -> str:
    """As JSON, for ``to_learnt``."""
    return json.dumps(
        [{"model": item.model, "parameter": item.parameter, "use": item.use} for item in learnt]
    )
