"""Logins in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)

from auth_service.domain.logins import Client, EndedLogin, Login, OpenLogin
from auth_service.store.tables import logins, refresh_tokens
from auth_service.store.transactions import Transaction
from chassis.db.statement import Statement
from chassis.paging import Position
from servicekit.rate_limits import network_of


class Logins:
    """Logins, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    async def end_all(
        self, user_id: UUID, at: datetime, *, only: UUID | None = None, but: UUID | None = None
    ) -> Sequence[EndedLogin]:
        """End the open logins of the user: all, ``only`` this one, or all ``but`` this one."""
        statement = update(logins).where(_open(user_id, at)).values(revoked_at=at)
        if only is not None:
            statement = statement.where(logins.c.id == only)
        if but is not None:
            statement = statement.where(logins.c.id != but)
        result = await self._connection.execute(
            statement.returning(logins.c.id, logins.c.last_used_at)
        )
        return [EndedLogin(row.id, row.last_used_at) for row in result]

    async def end_oldest(self, user_id: UUID, at: datetime, *, but: int) -> Sequence[EndedLogin]:
        """End the open logins of the user but the ``but`` that were used last."""
        rows = await _END_OLDEST.all(self._connection, user=user_id, now=at, but=but)
        return [EndedLogin(row.id, row.last_used_at) for row in rows]

    async def list_open(
        self, user_id: UUID, now: datetime, *, after: Position | None, limit: int
    ) -> Sequence[OpenLogin]:
        """At most ``limit`` open logins of the user behind ``after``, last used first."""
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

    async def count_open(self, user_id: UUID, now: datetime) -> int:
        query = select(func.count()).select_from(logins).where(_open(user_id, now))
        return (await self._connection.execute(query)).scalar_one()

    async def add(self, login: Login, client: Client) -> None:
        await _ADD_LOGIN.run(
            self._connection,
            id=login.id,
            tenant_id=login.tenant_id,
            user_id=login.user_id,
            ip=client.ip,
            network=network_of(client.ip),
            user_agent=client.user_agent,
            created_at=login.created_at,
            last_used_at=login.created_at,
            expires_at=login.expires_at,
        )

    async def find_by_refresh_token(self, digest: bytes) -> Login | None:
        """The login that a refresh token belongs to, locked; None for an unknown token."""
        query = (
            select(
                logins.c.id,
                logins.c.tenant_id,
                logins.c.user_id,
                logins.c.created_at,
                logins.c.expires_at,
                logins.c.revoked_at,
            )
            .join(refresh_tokens, refresh_tokens.c.login_id == logins.c.id)
            .where(refresh_tokens.c.digest == digest)
            .with_for_update(of=logins)
        )
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else Login(**row._mapping)

    async def extend(
        self, login_id: UUID, client: Client, *, at: datetime, expires_at: datetime
    ) -> None:
        await self._connection.execute(
            update(logins)
            .where(logins.c.id == login_id)
            .values(
                last_used_at=at,
                expires_at=expires_at,
                ip=client.ip,
                network=network_of(client.ip),
                user_agent=client.user_agent,
            )
        )

    async def has_used_network(self, user_id: UUID, network: str) -> bool:
        """Whether a login of the user's that is kept, open or ended, was last used from there."""
        row = await _HAS_USED_NETWORK.first(self._connection, user=user_id, where=network)
        assert row is not None
        return bool(row[0])

    async def end(self, login_id: UUID, at: datetime) -> None:
        """End the login; one that is not there or has ended stays as it is."""
        await self._connection.execute(
            update(logins)
            .where(logins.c.id == login_id, logins.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )


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
_ADD_LOGIN = Statement(
    insert(logins),
    columns=[
        "id",
        "tenant_id",
        "user_id",
        "ip",
        "network",
        "user_agent",
        "created_at",
        "last_used_at",
        "expires_at",
    ],
)
_HAS_USED_NETWORK = Statement(
    select(
        exists().where(
            logins.c.user_id == bindparam("user"), logins.c.network == bindparam("where")
        )
    )
)
