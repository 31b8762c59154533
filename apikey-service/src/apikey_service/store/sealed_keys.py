"""What is sealed, read in a transaction of its own: it is on the way of every question asked."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from apikey_service.domain.key import Learnt, Provider
from apikey_service.domain.sealed import Sealed
from apikey_service.store.rows import MINE, to_learnt
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.statement import Statement
from servicekit.generation_parameters import GenerationParameters

_COLUMNS: Final = (
    "keys.id, keys.name, keys.model, keys.base_url, keys.provider, keys.ciphertext,"
    " keys.wrapped_key, keys.kek_id, keys.headers_ciphertext, keys.headers_wrapped_key,"
    " keys.headers_kek_id, keys.parameters, keys.fallback_key_id,"
    " keys.last_error_reason IS NOT NULL AS has_error, keys.learnt"
)
_FIND = Statement(text(f"SELECT {_COLUMNS} FROM keys WHERE keys.id = :key_id AND {MINE}"))  # noqa: S608 - made of constants
_FIND_NAMED = Statement(
    text(f"SELECT {_COLUMNS} FROM keys WHERE keys.name_folded = :name_folded AND {MINE}")  # noqa: S608 - made of constants
)
# A row in any case: the marked one may be the operator's, and of one's own there may be none.
_FIND_DEFAULT = Statement(
    text(f"""
    SELECT marked.key_id AS marked, {_COLUMNS}
    FROM (SELECT (SELECT default_keys.key_id FROM default_keys
        WHERE default_keys.tenant_id = :tenant_id AND default_keys.user_id = :user_id) AS key_id)
        AS marked
    LEFT JOIN keys ON {MINE} AND keys.id = COALESCE(
        (SELECT own.id FROM keys AS own WHERE own.id = marked.key_id
            AND own.tenant_id = :tenant_id AND own.user_id = :user_id),
        (SELECT own.id FROM keys AS own
            WHERE own.tenant_id = :tenant_id AND own.user_id = :user_id
            ORDER BY own.created_at, own.id LIMIT 1))
    """)  # noqa: S608 - made of constants
)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A connection with its key, and its headers if it has any, as they are stored."""

    id: UUID
    name: str
    model: str
    base_url: str
    provider: Provider
    sealed: Sealed
    sealed_headers: Sealed | None
    parameters: GenerationParameters
    fallback_key_id: UUID | None
    has_error: bool
    learnt: tuple[Learnt, ...]


class SealedKeys:
    """Each read is one round trip."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, caller: Caller, key_id: UUID) -> SealedKey | None:
        """The caller's key of this id."""
        row = await self._database.first(caller, _FIND, **_mine(caller), key_id=key_id)
        return None if row is None else _to_sealed_key(row)

    async def find_named(self, caller: Caller, name_folded: str) -> SealedKey | None:
        """The caller's key of this name, which is given as ``fold_name`` makes it."""
        row = await self._database.first(
            caller, _FIND_NAMED, **_mine(caller), name_folded=name_folded
        )
        return None if row is None else _to_sealed_key(row)

    async def find_default(self, caller: Caller) -> tuple[UUID | None, SealedKey | None]:
        """The marked one's id, if any was ever marked, and of the caller's own the marked one or
        else the oldest.
        """
        row = await self._database.first(caller, _FIND_DEFAULT, **_mine(caller))
        assert row is not None
        return row.marked, None if row.id is None else _to_sealed_key(row)


def _mine(caller: Caller) -> dict[str, UUID]:
    return {"tenant_id": caller.tenant_id, "user_id": caller.user_id}


def _to_sealed_key(row: Any) -> SealedKey:
    headers = None
    if row.headers_kek_id is not None:
        headers = Sealed(row.headers_ciphertext, row.headers_wrapped_key, row.headers_kek_id)
    return SealedKey(
        id=row.id,
        name=row.name,
        model=row.model,
        base_url=row.base_url,
        provider=Provider(row.provider),
        sealed=Sealed(row.ciphertext, row.wrapped_key, row.kek_id),
        sealed_headers=headers,
        parameters=GenerationParameters.of(row.parameters),
        fallback_key_id=row.fallback_key_id,
        has_error=row.has_error,
        learnt=to_learnt(row.learnt),
    )
