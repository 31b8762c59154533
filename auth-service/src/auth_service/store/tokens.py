"""Personal access tokens, by their owner and by their digest."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Column, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.tokens import Token
from auth_service.store.tables import tokens
from auth_service.store.transactions import Transaction
from chassis.paging import Position

_TOKEN = select(
    tokens.c.id,
    tokens.c.tenant_id,
    tokens.c.user_id,
    tokens.c.name,
    tokens.c.scopes,
    tokens.c.created_at,
    tokens.c.expires_at,
    tokens.c.last_used_at,
)


class Tokens:
    """Personal access tokens, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    async def delete_all(self, user_id: UUID) -> Sequence[UUID]:
        """Delete all tokens of the user; returns their ids."""
        result = await self._connection.execute(
            delete(tokens).where(tokens.c.user_id == user_id).returning(tokens.c.id)
        )
        return [row.id for row in result]

    async def add(self, token: Token, digest: bytes) -> None:
        await self._connection.execute(
            insert(tokens).values(
                id=token.id,
                tenant_id=token.tenant_id,
                user_id=token.user_id,
                digest=digest,
                name=token.name,
                scopes=[*token.scopes],
                created_at=token.created_at,
                expires_at=token.expires_at,
            )
        )

    async def list(self, user_id: UUID, *, after: Position | None, limit: int) -> Sequence[Token]:
        """At most ``limit`` tokens of the user behind ``after``, newest first."""
        query = (
            _TOKEN.where(tokens.c.user_id == user_id)
            .order_by(tokens.c.created_at.desc(), tokens.c.id.desc())
            .limit(limit)
        )
        if after is not None:
            query = query.where(
                tuple_(tokens.c.created_at, tokens.c.id) < tuple_(after.at, after.id)
            )
        return [_to_token(row) for row in await self._connection.execute(query)]

    async def count(self, user_id: UUID) -> int:
        query = select(func.count()).select_from(tokens).where(tokens.c.user_id == user_id)
        return (await self._connection.execute(query)).scalar_one()

    async def delete(self, user_id: UUID, token_id: UUID) -> bool:
        """Whether there was such a token to delete."""
        result = await self._connection.execute(
            delete(tokens).where(tokens.c.user_id == user_id, tokens.c.id == token_id)
        )
        return result.rowcount == 1

    async def find_by_digest(self, digest: bytes) -> Token | None:
        result = await self._connection.execute(_TOKEN.where(tokens.c.digest == digest))
        row = result.one_or_none()
        return None if row is None else _to_token(row)

    async def set_last_used(self, token_id: UUID, *, at: datetime) -> None:
        await self._connection.execute(
            update(tokens).where(tokens.c.id == token_id).values(last_used_at=at)
        )

    async def mark_use_recorded(self, token_id: UUID, *, at: datetime, interval: timedelta) -> bool:
        """Whether the audit log gets an entry that it was used ``at`` that time: only if no replica
        has recorded one within ``interval``.
        """
        return await _mark_recorded(self._connection, tokens.c.use_told_at, token_id, at, interval)

    async def mark_refusal_recorded(
        self, token_id: UUID, *, at: datetime, interval: timedelta
    ) -> bool:
        """The same of a refusal."""
        return await _mark_recorded(
            self._connection, tokens.c.refusal_told_at, token_id, at, interval
        )


async def _mark_recorded(
    connection: AsyncConnection,
    recorded_at: Column[Any],
    token_id: UUID,
    at: datetime,
    interval: timedelta,
) -> bool:
    # Of many at once, the others wait at the row and then see that it is recorded.
    result = await connection.execute(
        update(tokens)
        .where(tokens.c.id == token_id, or_(recorded_at.is_(None), recorded_at <= at - interval))
        .values({recorded_at: at})
    )
    return result.rowcount == 1


def _to_token(row: Any) -> Token:
    return Token(**{**row._mapping, "scopes": tuple(row.scopes)})
