"""Look at personas: one's own, and the operator's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction, Transaction
from chassis.paging import Page, Place, Position, parse_limit
from chat_service.personas.domain.errors import PersonaNotFound
from chat_service.personas.domain.persona import Persona, Told
from chat_service.personas.store.personas import Personas
from chat_service.personas.usecases.check import parse_name
from chat_service.personas.usecases.ports import OperatorPersonas
from chat_service.user_settings.store.copy import UserSettings
from servicekit.names import fold_name

# A cursor among the operator's: what it begins with, where a cursor among one's own has a time.
_OPERATORS: Final = "operator"


@dataclass(frozen=True, slots=True)
class DefaultPersona:
    """The persona that a conversation takes where nothing is said of one."""

    operators: OperatorPersonas

    def offered(self) -> Told | None:
        """The operator's, if there is one: of users who have set none."""
        return next((one.told for one in self.operators.content if one.is_default), None)

    async def __call__(self, transaction: Transaction) -> Told | None:
        """The one that the transaction's user has set as the default, else the operator's, if there is one.

        One that was set and is gone is as if none had been set.
        """
        folded = await UserSettings(transaction).default_persona()
        if folded is not None:
            own = await Personas(transaction).find(folded)
            if own is not None:
                return own.told
            offered = self.operators.content
            named = next((one for one in offered if one.name_folded == folded), None)
            if named is not None:
                return named.told
        return self.offered()


@dataclass(frozen=True, slots=True)
class ReadPersonas:
    """Shows personas."""

    open_transaction: OpenTransaction
    operators: OperatorPersonas

    async def find(self, caller: Caller, name: str) -> Persona:
        """The one that `caller` knows by this name; raises PersonaNotFound."""
        folded = fold_name(parse_name(name))
        async with self.open_transaction(caller) as transaction:
            own = await Personas(transaction).find(folded)
        if own is not None:
            return own
        return _of_operators(self.operators.content, folded)

    @property
    def default(self) -> DefaultPersona:
        """Where nothing is said of one."""
        return DefaultPersona(self.operators)

    async def list(self, caller: Caller, *, limit: int, cursor: str, count: bool) -> Page[Persona]:
        """A page: the caller's own, oldest first, then the operator's; `total` if `count`.

        One of the operator's whose name one of the caller's own has is left out: by its name the
        caller's own is found. `cursor` is the `next_cursor` of the page before, empty for the first
        one. Raises ValidationFailed.
        """
        limit = parse_limit(limit)
        place = Place.from_cursor(cursor, _OPERATORS)
        after = None if place else Position.from_cursor(cursor)
        offered = self.operators.content
        async with self.open_transaction(caller) as transaction:
            personas = Personas(transaction)
            own = [] if place else await personas.list(after=after, limit=limit + 1)
            hidden = await personas.among([one.name_folded for one in offered])
            total = await personas.count() if count else 0
        offered = [one for one in offered if one.name_folded not in hidden]
        whole = total + len(offered) if count else None
        shown = own[:limit]
        if len(own) > limit:
            return Page(tuple(shown), _cursor_of(shown[-1]), whole)
        names = [one.name_folded for one in offered]
        begin = place.among(names) if place else 0
        end = begin + limit - len(shown)
        shown += offered[begin:end]
        if len(offered) <= end:
            return Page(tuple(shown), "", whole)
        return Page(tuple(shown), Place.behind(names, end).to_cursor(_OPERATORS), whole)


def _of_operators(offered: Sequence[Persona], folded: str) -> Persona:
    for one in offered:
        if one.name_folded == folded:
            return one
    raise PersonaNotFound()


def _cursor_of(persona: Persona) -> str:
    assert persona.id is not None
    return Position(persona.created_at, persona.id).to_cursor()
