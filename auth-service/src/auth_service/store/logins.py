"""A user's logins and password: ended and replaced, and listed to the user."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.logins import Client, EndedLogin, OpenLogin
from auth_service.store.tables import logins, users
from chassis.db.statement import Statement
from chassis.paging import Position


class PostgresLoginEnds:
    """See the port LoginEnds."""

    _connection: AsyncConnection

    async def end_logins(
        self, user_id: UUID, at: datetime, *, only: UUID | None = None, but: UUID | None = None
    ) -> Sequence[EndedLogin]:
        statement = update(logins).where(_open(user_id, at)).values(revoked_at=at)
        if only is not None:
            statement = statement.where(logins.c.id == only)
        if but is not None:
            statement = statement.where(logins.c.id != but)
        result = await self._connection.execute(
            statement.returning(logins.c.id, logins.c.last_used_at)
        )
        return [EndedLogin(row.id, row.last_used_at) for row in result]

    async def end_oldest_logins(
        self, user_id: UUID, at: datetime, *, but: int
    ) -> Sequence[EndedLogin]:
        rows = await _END_OLDEST.all(self._connection, user=user_id, now=at, but=but)
        return [EndedLogin(row.id, row.last_used_at) for row in rows]

    async def replace_password(self, user_id: UUID, password_hash: str) -> None:
        await self._connection.execute(
            update(users)
            .where(users.c.id == user_id)
            .values(password_hash=password_hash, password_set_at=func.clock_timestamp())
        )


class PostgresOwnLogins(PostgresLoginEnds):
    """See the port OwnLogins."""

    async def open_logins(
        self, user_id: UUID, now: datetime, *, after: Position | None, limit: int
    ) -> Sequence[OpenLogin]:
        query = (
            select(
                logins.c.id,
                logins.c.ip,
                logins.c.user_agent,
                logins.c.created_at,
                logins.c.last_used_at,
                logins.c.expires_at,
            )
            .where(_open(user_id, now))
            .order_by(logins.c.last_used_at.desc(), logins.c.id.desc())
            .limit(limit)
        )
        if after is not None:
            query = query.where(
                tuple_(logins.c.last_used_at, logins.c.id) < tuple_(after.at, after.id)
            )
        return [
            OpenLogin(
                id=row.id,
                client=Client(row.ip, row.user_agent),
                created_at=row.created_at,
                last_used_at=row.last_used_at,
                expires_at=row.expires_at,
            )
            for row in await self._connection.execute(query)
        ]

    async def count_logins(self, user_id: UUID, now: datetime) -> int:
        query = select(func.count()).select_from(logins).where(_open(user_id, now))
        return (await self._connection.execute(query)).scalar_one()


def _open(
    user_id: UUID | BindParameter[UUID], now: datetime | BindParameter[datetime]
) -> ColumnElement[bool]:
    return and_(
        logins.c.user_id == user_id, logins.c.revoked_at.is_(None), logins.c.expires_at > now
    )


_THEIRS = _open(bindparam("user"), bindparam("now"))
_END_OLDEST = Statement(
    update(logins)
    .where(
        logins.c.id.in_(
            select(logins.c.id)
            .where(_THEIRS)
            .order_by(logins.c.last_used_at.desc(), logins.c.id.desc())
            .offset(bindparam("but", type_=Integer))
        )
    )
    .values(revoked_at=bindparam("now"))
    .returning(logins.c.id, logins.c.last_used_at)
)
