"""Look at connections: one's own, and those of the operator's that are open to one."""

from dataclasses import dataclass, replace
from uuid import UUID

from apikey_service.domain.errors import KeyNotFound, NoKey
from apikey_service.domain.key import Key
from apikey_service.domain.operator_connection import OperatorConnection
from apikey_service.store.defaults import Defaults
from apikey_service.store.keys import Keys
from apikey_service.usecases.ports import OperatorConnections
from apikey_service.usecases.validation import parse_key_name
from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction, Transaction
from chassis.ids import parse_named_id
from chassis.paging import (
    Page,
    Place,
    Position,
    parse_limit,
)
from servicekit.names import fold_name

# A cursor among the operator's: what it begins with, where a cursor among one's own has a time.
_OPERATORS = "operator"


@dataclass(frozen=True, slots=True)
class ReadKeys:
    """Shows connections, and keeps which one is the default."""

    open_transaction: OpenTransaction
    operators: OperatorConnections

    def limited(self, caller: Caller) -> list[tuple[OperatorConnection, int]]:
        """The operator's connections open to the caller of which there are so many tokens a day."""
        return [
            (one, one.daily_tokens)
            for one in self.operators.open_to(caller)
            if one.daily_tokens is not None
        ]

    async def get(self, caller: Caller, key_id: str) -> Key:
        """One of the caller's own, or of the operator's; raises KeyNotFound."""
        parsed = parse_named_id(key_id, KeyNotFound)
        async with self.open_transaction(caller) as transaction:
            return await self._shown(transaction, caller, parsed)

    async def get_by_name(self, caller: Caller, name: str) -> Key:
        """The same by name, of which letter case and the like make no difference."""
        name = parse_key_name(name)
        async with self.open_transaction(caller) as transaction:
            own = await Keys(transaction).find_named(name)
            if own is not None:
                return await self._marked(transaction, caller, own)
            offered = self.operators.open_to(caller)
            found = (one for one in offered if one.name_folded == fold_name(name))
            if (one := next(found, None)) is None:
                raise KeyNotFound()
            return await self._shown(transaction, caller, one.id)

    async def get_default(self, caller: Caller) -> Key:
        """The default one; raises NoKey."""
        async with self.open_transaction(caller) as transaction:
            default = await self._default(transaction, caller)
            if default is None:
                raise NoKey()
            return await self._shown(transaction, caller, default)

    async def set_default(self, caller: Caller, key_id: str) -> Key:
        """Make one the default, and show it; raises KeyNotFound, OwnerErased."""
        parsed = parse_named_id(key_id, KeyNotFound)
        async with self.open_transaction(caller) as transaction:
            await transaction.lock_owner()
            key = await self._shown(transaction, caller, parsed)
            await Defaults(transaction).mark(parsed)
            return replace(key, is_default=True)

    async def list(self, caller: Caller, *, limit: int, cursor: str, count: bool) -> Page[Key]:
        """A page: the caller's own, oldest first, then the operator's; ``total`` if ``count``.

        ``cursor`` is the ``next_cursor`` of the page before, empty for the first one. Raises
        ValidationFailed.
        """
        limit = parse_limit(limit)
        offered = self.operators.open_to(caller)
        ids = [str(one.id) for one in offered]
        place = Place.from_cursor(cursor, _OPERATORS)
        after = None if place else Position.from_cursor(cursor)
        async with self.open_transaction(caller) as transaction:
            keys = Keys(transaction)
            own = [] if place else await keys.list(after=after, limit=limit + 1)
            default = await self._default(transaction, caller)
            total = await keys.count() + len(offered) if count else None
        begin = place.among(ids) if place else 0
        shown = [replace(key, is_default=key.id == default) for key in own[:limit]]
        if len(own) > limit:
            return Page(
                tuple(shown), Position(shown[-1].created_at, shown[-1].id).to_cursor(), total
            )
        end = begin + limit - len(shown)
        shown += [self._offered(one, default) for one in offered[begin:end]]
        if len(offered) <= end:
            return Page(tuple(shown), "", total)
        return Page(tuple(shown), Place.behind(ids, end).to_cursor(_OPERATORS), total)

    async def _shown(self, transaction: Transaction, caller: Caller, key_id: UUID) -> Key:
        default = await self._default(transaction, caller)
        offered = (one for one in self.operators.open_to(caller) if one.id == key_id)
        if (one := next(offered, None)) is not None:
            return self._offered(one, default)
        own = await Keys(transaction).find(key_id)
        if own is None:
            raise KeyNotFound()
        return replace(own, is_default=own.id == default)

    async def _marked(self, transaction: Transaction, caller: Caller, key: Key) -> Key:
        return replace(key, is_default=key.id == await self._default(transaction, caller))

    async def _default(self, transaction: Transaction, caller: Caller) -> UUID | None:
        return (await Defaults(transaction).find()).among(self.operators.open_to(caller))

    def _offered(self, one: OperatorConnection, default: UUID | None) -> Key:
        return one.as_key(self.operators.outcome(one.id), is_default=one.id == default)
