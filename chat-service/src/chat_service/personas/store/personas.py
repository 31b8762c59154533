"""A user's personas in PostgreSQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from chassis.db.pages import Pages
from chassis.db.statement import Statement, columns_of
from chassis.db.transactions import Transaction
from chassis.paging import Position
from chat_service.personas.domain.errors import PersonaNameTaken
from chat_service.personas.domain.persona import Owner, Persona, Told
from chat_service.tables import personas as table
from servicekit.generation_parameters import GenerationParameters
from servicekit.names import fold_name

_NAMES: Final = "personas_user_id_name_folded_key"
_SHOWN: Final = columns_of(table)
# Row-level security says the same beneath: a query that forgot this would leak nothing.
_MINE: Final = "personas.tenant_id = :tenant_id AND personas.user_id = :user_id"
_OWN: Final = f"SELECT {_SHOWN} FROM personas WHERE {_MINE}"  # noqa: S608 - made of constants

_INSERT = Statement(
    text(
        "INSERT INTO personas (id, tenant_id, user_id, name, name_folded, title, description,"
        " prompt, model, parameters, starters, created_at, updated_at)"
        " VALUES (:id, :tenant_id, :user_id, :name, :name_folded, :title, :description, :prompt,"
        " CAST(:model AS text), CAST(:parameters AS jsonb), CAST(:starters AS text[]),"
        " :created_at, :updated_at)"
        " ON CONFLICT (user_id, name_folded) DO NOTHING"
    )
)
_FIND = Statement(text(f"{_OWN} AND personas.name_folded = :name_folded"))
_AMONG = Statement(
    text(
        f"SELECT personas.name_folded FROM personas WHERE {_MINE}"  # noqa: S608 - made of constants
        " AND personas.name_folded = ANY (CAST(:names AS text[]))"
    )
)
_PAGES = Pages(_OWN, "personas", newest_first=False)
_COUNT = Statement(text(f"SELECT count(*) AS total FROM personas WHERE {_MINE}"))  # noqa: S608 - made of constants
# One statement: of two changes at once each keeps what the other one said.
_UPDATE = Statement(
    text(f"""
    UPDATE personas SET
        name = COALESCE(CAST(:name AS text), personas.name),
        name_folded = COALESCE(CAST(:new_folded AS text), personas.name_folded),
        title = COALESCE(CAST(:title AS text), personas.title),
        description = COALESCE(CAST(:description AS text), personas.description),
        prompt = COALESCE(CAST(:prompt AS text), personas.prompt),
        model = CASE WHEN :sets_model THEN CAST(:model AS text) ELSE personas.model END,
        parameters =
            (personas.parameters - CAST(:cleared AS text[])) || CAST(:parameters AS jsonb),
        starters = COALESCE(CAST(:starters AS text[]), personas.starters),
        updated_at = GREATEST(:updated_at, personas.updated_at)
    WHERE personas.name_folded = :name_folded AND {_MINE}
    RETURNING {_SHOWN}
    """)  # noqa: S608 - made of constants
)
_DELETE = Statement(
    text(f"DELETE FROM personas WHERE personas.name_folded = :name_folded AND {_MINE}")  # noqa: S608 - made of constants
)


@dataclass(frozen=True, slots=True)
class PersonaChange:
    """What becomes different of a persona: None, and nothing set, leaves it as it is."""

    name: str | None = None
    title: str | None = None
    description: str | None = None
    prompt: str | None = None
    sets_model: bool = False
    model: str | None = None
    parameters: GenerationParameters = field(default_factory=GenerationParameters)
    cleared_parameters: tuple[str, ...] = ()
    starters: tuple[str, ...] | None = None


class Personas:
    """The personas of one user's own, in one transaction; names are given as `fold_name` makes them."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection
        self._mine = transaction.owner.columns

    async def insert(self, persona: Persona) -> bool:
        """Whether it was stored: False if the user has one whose name looks the same."""
        told = persona.told
        inserted = await _INSERT.run(
            self._connection,
            **self._mine,
            id=persona.id,
            name=told.name,
            name_folded=persona.name_folded,
            title=told.title,
            description=told.description,
            prompt=told.prompt,
            model=told.model,
            parameters=json.dumps(told.parameters.said()),
            starters=list(told.starters),
            created_at=persona.created_at,
            updated_at=persona.updated_at,
        )
        return inserted == 1

    async def find(self, name_folded: str) -> Persona | None:
        row = await _FIND.first(self._connection, **self._mine, name_folded=name_folded)
        return None if row is None else _to_persona(row)

    async def among(self, names: Sequence[str]) -> set[str]:
        """Which of these names are taken by one of the user's own."""
        rows = await _AMONG.all(self._connection, **self._mine, names=list(names))
        return {row.name_folded for row in rows}

    async def list(self, *, after: Position | None, limit: int) -> list[Persona]:
        """At most `limit` behind `after`, oldest first."""
        rows = await _PAGES.read(self._connection, after, limit, **self._mine)
        return [_to_persona(row) for row in rows]

    async def count(self) -> int:
        row = await _COUNT.first(self._connection, **self._mine)
        return 0 if row is None else row.total

    async def update(
        self, name_folded: str, change: PersonaChange, *, at: datetime
    ) -> Persona | None:
        """The persona as it is then, None if there is none.

        Raises PersonaNameTaken, which ends the transaction.
        """
        try:
            row = await _UPDATE.first(
                self._connection,
                **self._mine,
                name_folded=name_folded,
                name=change.name,
                new_folded=None if change.name is None else fold_name(change.name),
                title=change.title,
                description=change.description,
                prompt=change.prompt,
                sets_model=change.sets_model,
                model=change.model,
                parameters=json.dumps(change.parameters.said()),
                cleared=list(change.cleared_parameters),
                starters=None if change.starters is None else list(change.starters),
                updated_at=at,
            )
        except IntegrityError as error:
            if _NAMES in str(error.orig):
                raise PersonaNameTaken() from None
            raise
        return None if row is None else _to_persona(row)

    async def delete(self, name_folded: str) -> bool:
        """Whether there was one."""
        return await _DELETE.run(self._connection, **self._mine, name_folded=name_folded) == 1


def _to_persona(row: Any) -> Persona:
    told = Told(
        name=row.name,
        title=row.title,
        description=row.description,
        prompt=row.prompt,
        model=row.model,
        parameters=GenerationParameters.of(row.parameters),
        starters=tuple(row.starters),
    )
    return Persona(told, Owner.USER, row.created_at, row.updated_at, id=row.id)
