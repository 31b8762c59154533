"""Keys in PostgreSQL."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from apikey_service.domain.key import Key, Provider, fold_name
from apikey_service.domain.sealed import Sealed
from apikey_service.store.tables import keys
from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.statement import Statement
from chassis.db.transactions import Transaction
from chassis.paging import Position

# Row-level security says the same beneath: a query that forgot this would leak nothing.
_MINE = and_(keys.c.tenant_id == bindparam("tenant_id"), keys.c.user_id == bindparam("user_id"))
_THIS = and_(keys.c.id == bindparam("key_id"), _MINE)
_KEY = select(
    keys.c.id,
    keys.c.name,
    keys.c.masked_key,
    keys.c.model,
    keys.c.base_url,
    keys.c.provider,
    keys.c.created_at,
    keys.c.updated_at,
)
_SEALED = _KEY.add_columns(keys.c.ciphertext, keys.c.wrapped_key, keys.c.kek_id)
_AGE = (keys.c.created_at, keys.c.id)
_PAGE = _KEY.where(_MINE).order_by(*_AGE).limit(bindparam("limit"))
_BEHIND = tuple_(*_AGE) > tuple_(bindparam("after_at"), bindparam("after_id"))

_INSERT = Statement(
    insert(keys).on_conflict_do_nothing(index_elements=[keys.c.user_id, keys.c.name_folded])
)
_FIND = Statement(_KEY.where(_THIS))
_FIRST_PAGE = Statement(_PAGE)
_NEXT_PAGE = Statement(_PAGE.where(_BEHIND))
_COUNT = Statement(select(func.count().label("total")).select_from(keys).where(_MINE))
_FIND_SEALED = Statement(_SEALED.where(_THIS))
_FIRST_SEALED = Statement(_SEALED.where(_MINE).order_by(*_AGE).limit(1))


def _to_key(row: Any) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        masked_key=row.masked_key,
        model=row.model,
        base_url=row.base_url,
        provider=Provider(row.provider),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


class Keys:
    """The keys of one user, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        scope = transaction.scope
        self._mine = {"tenant_id": scope.tenant_id, "user_id": scope.user_id}

    async def insert(self, key: Key, sealed: Sealed) -> bool:
        """Whether the key was stored: False if the user has one whose name looks the same."""
        inserted = await _INSERT.run(
            self._connection,
            **self._mine,
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
        )
        return inserted == 1

    async def find(self, key_id: UUID) -> Key | None:
        row = await _FIND.first(self._connection, **self._mine, key_id=key_id)
        return None if row is None else _to_key(row)

    async def list(self, *, after: Position | None, limit: int) -> list[Key]:
        """At most ``limit`` keys behind ``after``, oldest first."""
        if after is None:
            rows = await _FIRST_PAGE.all(self._connection, **self._mine, limit=limit)
        else:
            rows = await _NEXT_PAGE.all(
                self._connection, **self._mine, limit=limit, after_at=after.at, after_id=after.id
            )
        return [_to_key(row) for row in rows]

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, **self._mine)
        return 0 if row is None else row.total


class SealedKeys:
    """What is sealed, read in a transaction of its own: it is on the way of every question asked."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, caller: Caller, key_id: UUID | None) -> tuple[Key, Sealed] | None:
        """The caller's key of this id, or with None their oldest one."""
        mine = {"tenant_id": caller.tenant_id, "user_id": caller.user_id}
        if key_id is None:
            row = await self._database.first(caller, _FIRST_SEALED, **mine)
        else:
            row = await self._database.first(caller, _FIND_SEALED, **mine, key_id=key_id)
        if row is None:
            return None
        return _to_key(row), Sealed(row.ciphertext, row.wrapped_key, row.kek_id)
