"""A user's keys in PostgreSQL."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from apikey_service.domain.errors import KeyNameTaken
from apikey_service.domain.key import Key, Provider
from apikey_service.domain.sealed import Sealed
from apikey_service.store.rows import MINE, SHOWN, to_key
from chassis.db.pages import Pages
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position
from servicekit.generation_parameters import GenerationParameters
from servicekit.names import fold_name

_NAMES: Final = "keys_user_id_name_folded_key"

_INSERT = Statement(
    text(
        "INSERT INTO keys (id, tenant_id, user_id, name, name_folded, masked_key, model, base_url,"
        " provider, ciphertext, wrapped_key, kek_id, created_at, updated_at, parameters,"
        " header_names, headers_ciphertext, headers_wrapped_key, headers_kek_id, fallback_key_id)"
        " VALUES (:id, :tenant_id, :user_id, :name, :name_folded, :masked_key, :model, :base_url,"
        " :provider, :ciphertext, :wrapped_key, :kek_id, :created_at, :updated_at,"
        " CAST(:parameters AS jsonb), CAST(:header_names AS text[]),"
        " CAST(:headers_ciphertext AS bytea), CAST(:headers_wrapped_key AS bytea),"
        " CAST(:headers_kek_id AS text), CAST(:fallback_key_id AS uuid))"
        " ON CONFLICT (user_id, name_folded) DO NOTHING"
    )
)
_FIND = Statement(text(f"SELECT {SHOWN} FROM keys WHERE keys.id = :key_id AND {MINE}"))  # noqa: S608 - made of constants
_FIND_NAMED = Statement(
    text(f"SELECT {SHOWN} FROM keys WHERE keys.name_folded = :name_folded AND {MINE}")  # noqa: S608 - made of constants
)
# As the reference to it takes it: whoever deletes it comes first, or afterwards.
_HOLD = Statement(
    text(f"SELECT keys.id FROM keys WHERE keys.id = :key_id AND {MINE} FOR KEY SHARE")  # noqa: S608 - made of constants
)
_PAGES = Pages(f"SELECT {SHOWN} FROM keys WHERE {MINE}", "keys", newest_first=False)  # noqa: S608 - made of constants
_COUNT = Statement(text(f"SELECT count(*) AS total FROM keys WHERE {MINE}"))  # noqa: S608 - made of constants
# One statement, whose conditions hold of the row that it changes: of two changes at once each
# keeps what the other one said, and a key never goes to a server it was not given for.
_UPDATE = Statement(
    text(f"""
    UPDATE keys SET
        name = COALESCE(CAST(:name AS text), keys.name),
        name_folded = COALESCE(CAST(:name_folded AS text), keys.name_folded),
        masked_key = COALESCE(CAST(:masked_key AS text), keys.masked_key),
        model = COALESCE(CAST(:model AS text), keys.model),
        base_url = COALESCE(CAST(:base_url AS text), keys.base_url),
        provider = COALESCE(CAST(:provider AS text), keys.provider),
        ciphertext = COALESCE(CAST(:ciphertext AS bytea), keys.ciphertext),
        wrapped_key = COALESCE(CAST(:wrapped_key AS bytea), keys.wrapped_key),
        kek_id = COALESCE(CAST(:kek_id AS text), keys.kek_id),
        header_names = CASE WHEN :sets_headers
            THEN CAST(:header_names AS text[]) ELSE keys.header_names END,
        headers_ciphertext = CASE WHEN :sets_headers
            THEN CAST(:headers_ciphertext AS bytea) ELSE keys.headers_ciphertext END,
        headers_wrapped_key = CASE WHEN :sets_headers
            THEN CAST(:headers_wrapped_key AS bytea) ELSE keys.headers_wrapped_key END,
        headers_kek_id = CASE WHEN :sets_headers
            THEN CAST(:headers_kek_id AS text) ELSE keys.headers_kek_id END,
        parameters = (keys.parameters - CAST(:cleared AS text[])) || CAST(:parameters AS jsonb),
        fallback_key_id = CASE WHEN :sets_fallback
            THEN CAST(:fallback_key_id AS uuid) ELSE keys.fallback_key_id END,
        -- What was learnt is of the server, and what failed is of how it was asked.
        learnt = CASE WHEN COALESCE(CAST(:base_url AS text) <> keys.base_url, false)
                OR COALESCE(CAST(:provider AS text) <> keys.provider, false)
            THEN '[]' ELSE keys.learnt END,
        last_error_reason = CASE WHEN :tries_anew THEN NULL ELSE keys.last_error_reason END,
        last_error_at = CASE WHEN :tries_anew THEN NULL ELSE keys.last_error_at END,
        updated_at = GREATEST(:updated_at, keys.updated_at)
    WHERE keys.id = :key_id AND {MINE}
        AND (CAST(:base_url AS text) IS NULL OR keys.base_url = :base_url
            OR (CAST(:ciphertext AS bytea) IS NOT NULL
                AND (:sets_headers OR keys.headers_ciphertext IS NULL)))
    RETURNING {SHOWN}
    """)  # noqa: S608 - made of constants
)
_DELETE = Statement(text(f"DELETE FROM keys WHERE keys.id = :key_id AND {MINE}"))  # noqa: S608 - made of constants
# From the one that is to be fallen back to, as far as it goes.
_LEADS_BACK = Statement(
    text("""
    WITH RECURSIVE chain AS (
        SELECT keys.id, keys.fallback_key_id FROM keys
        WHERE keys.id = :fallback_key_id AND keys.tenant_id = :tenant_id
            AND keys.user_id = :user_id
        UNION
        SELECT keys.id, keys.fallback_key_id FROM keys JOIN chain
            ON keys.id = chain.fallback_key_id
        WHERE keys.tenant_id = :tenant_id AND keys.user_id = :user_id
    )
    SELECT EXISTS (SELECT 1 FROM chain WHERE chain.id = :key_id) AS leads_back
    """)
)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What becomes different of a key: None, and nothing set, leaves it as it is."""

    name: str | None = None
    masked_key: str | None = None
    sealed: Sealed | None = None
    model: str | None = None
    base_url: str | None = None
    provider: Provider | None = None
    sets_headers: bool = False
    header_names: tuple[str, ...] = ()
    sealed_headers: Sealed | None = None
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    cleared_parameters: tuple[str, ...] = ()
    sets_fallback: bool = False
    fallback_key_id: UUID | None = None


class Keys:
    """The keys of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def insert(self, key: Key, sealed: Sealed, sealed_headers: Sealed | None) -> bool:
        """Whether the key was stored: False if the user has one whose name looks the same."""
        inserted = await _INSERT.run(
            self._connection,
            **self._mine,
            **_headers(key.header_names, sealed_headers),
            id=key.id,
            name=key.name,
            name_folded=fold_name(key.name),
            masked_key=key.masked_key,
            model=key.model,
            base_url=key.base_url,
            provider=key.provider.value,
            ciphertext=sealed.ciphertext,
            wrapped_key=sealed.wrapped_key,
            kek_id=sealed.kek_id,
            created_at=key.created_at,
            updated_at=key.updated_at,
            parameters=json.dumps(key.parameters.said()),
            fallback_key_id=key.fallback_key_id,
        )
        return inserted == 1

    async def find(self, key_id: UUID) -> Key | None:
        row = await _FIND.first(self._connection, **self._mine, key_id=key_id)
        return None if row is None else to_key(row)

    async def hold(self, key_id: UUID) -> bool:
        """Whether there is such a key, which nobody deletes then until the transaction ends."""
        return await _HOLD.first(self._connection, **self._mine, key_id=key_id) is not None

    async def find_named(self, name: str) -> Key | None:
        """The key whose name may not coexist with ``name``."""
        row = await _FIND_NAMED.first(self._connection, **self._mine, name_folded=fold_name(name))
        return None if row is None else to_key(row)

    async def list(self, *, after: Position | None, limit: int) -> list[Key]:
        """At most ``limit`` keys behind ``after``, oldest first."""
        rows = await _PAGES.read(self._connection, after, limit, **self._mine)
        return [to_key(row) for row in rows]

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, **self._mine)
        return 0 if row is None else row.total

    async def update(self, key_id: UUID, change: KeyChange, *, at: datetime) -> Key | None:
        """The key as it is then. None: there is none, or the change is of the place that the key is
        sent to, and brings no key for it, or no headers though there are some.

        Raises KeyNameTaken, which ends the transaction.
        """
        sealed = change.sealed
        try:
            row = await _UPDATE.first(
                self._connection,
                **self._mine,
                **_headers(change.header_names, change.sealed_headers),
                key_id=key_id,
                name=change.name,
                name_folded=None if change.name is None else fold_name(change.name),
                masked_key=change.masked_key,
                model=change.model,
                base_url=change.base_url,
                provider=None if change.provider is None else change.provider.value,
                ciphertext=None if sealed is None else sealed.ciphertext,
                wrapped_key=None if sealed is None else sealed.wrapped_key,
                kek_id=None if sealed is None else sealed.kek_id,
                sets_headers=change.sets_headers,
                parameters=json.dumps(change.parameters.said()),
                cleared=list(change.cleared_parameters),
                sets_fallback=change.sets_fallback,
                fallback_key_id=change.fallback_key_id,
                tries_anew=change.sets_headers
                or any((sealed, change.model, change.base_url, change.provider)),
                updated_at=at,
            )
        except IntegrityError as error:
            if _NAMES in str(error.orig):
                raise KeyNameTaken() from None
            raise
        return None if row is None else to_key(row)

    async def delete(self, key_id: UUID) -> bool:
        """Whether there was one. Those that fell back to it fall back to nothing."""
        return await _DELETE.run(self._connection, **self._mine, key_id=key_id) == 1

    async def leads_back(self, fallback_key_id: UUID, *, to: UUID) -> bool:
        """Whether ``fallback_key_id`` is the key ``to``, or falls back to it by way of others."""
        row = await _LEADS_BACK.first(
            self._connection, **self._mine, fallback_key_id=fallback_key_id, key_id=to
        )
        assert row is not None
        leads_back: bool = row.leads_back
        return leads_back


def _headers(names: tuple[str, ...], sealed: Sealed | None) -> dict[str, Any]:
    return {
        "header_names": list(names),
        "headers_ciphertext": None if sealed is None else sealed.ciphertext,
        "headers_wrapped_key": None if sealed is None else sealed.wrapped_key,
        "headers_kek_id": None if sealed is None else sealed.kek_id,
    }
