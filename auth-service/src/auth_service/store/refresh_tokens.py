"""Refresh tokens in PostgreSQL, by their digest."""

from datetime import datetime

from sqlalchemy import and_, case, func, insert, or_, select, update

from auth_service.domain.logins import Login, RefreshToken
from auth_service.store.tables import refresh_tokens
from auth_service.store.transactions import SystemTransaction
from chassis.db.statement import Statement

_ADD = Statement(
    insert(refresh_tokens),
    columns=["digest", "login_id", "tenant_id", "user_id", "created_at", "expires_at"],
)


class RefreshTokens:
    """Refresh tokens, in one transaction."""

    def __init__(self, transaction: SystemTransaction) -> None:
        self._connection = transaction.connection

    async def find(self, digest: bytes) -> tuple[RefreshToken, datetime] | None:
        """The token, and the present time by the database's clock, which all replicas share."""
        query = select(
            refresh_tokens.c.digest,
            refresh_tokens.c.login_id,
            refresh_tokens.c.created_at,
            refresh_tokens.c.expires_at,
            refresh_tokens.c.rotated_at,
            refresh_tokens.c.successor,
            func.clock_timestamp().label("now"),
        ).where(refresh_tokens.c.digest == digest)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        found = dict(row._mapping)
        now: datetime = found.pop("now")
        return RefreshToken(**found), now

    async def add(self, token: RefreshToken, login: Login) -> None:
        await _ADD.run(
            self._connection,
            digest=token.digest,
            login_id=login.id,
            tenant_id=login.tenant_id,
            user_id=login.user_id,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    async def rotate(self, token: RefreshToken, *, at: datetime, successor: bytes) -> None:
        """Mark ``token`` as used, its sealed successor beside it. The successors of the tokens
        before it, which can be asked for no longer, are deleted.
        """
        this = refresh_tokens.c.digest == token.digest
        await self._connection.execute(
            update(refresh_tokens)
            # Each side has an index: a login may have thousands of tokens behind it.
            .where(
                or_(
                    this,
                    and_(
                        refresh_tokens.c.login_id == token.login_id,
                        refresh_tokens.c.successor.is_not(None),
                    ),
                )
            )
            .values(
                rotated_at=case((this, at), else_=refresh_tokens.c.rotated_at),
                successor=case((this, successor), else_=None),
            )
        )
