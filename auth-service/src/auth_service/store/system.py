"""Transactions before there is a caller, and those of the background: as the worker role."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Text,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.domain.emails import email_key
from auth_service.domain.erasures import Erasure, Receipt, ServiceErasure
from auth_service.domain.limits import network_of
from auth_service.domain.logins import Client, Login, RefreshToken
from auth_service.domain.trust import Revocation
from auth_service.domain.users import Account, Role, User
from auth_service.store.accounts import find_account
from auth_service.store.anonymise import PostgresUnanonymised
from auth_service.store.audit_log import prune_before, written
from auth_service.store.codes import PostgresRecovery
from auth_service.store.effects import PostgresEffects
from auth_service.store.logins import PostgresLoginEnds
from auth_service.store.profiles import PostgresProfiles
from auth_service.store.tables import (
    codes,
    counters,
    erasures,
    logins,
    look_of,
    refresh_tokens,
    revocations,
    service_erasures,
    tenants,
    tokens,
    users,
)
from auth_service.store.transactions import Effects
from chassis.db.engine import Database
from chassis.db.statement import Statement

# What a log-in writes goes out with the statement behind it, or with the COMMIT.
_SET_LAST_LOGIN = Statement(
    update(users)
    .where(users.c.id == bindparam("user"))
    .values(
        last_login_at=bindparam("seen_at"),
        # The same password, if at all: `password_set_at` stays.
        password_hash=func.coalesce(bindparam("renewed", type_=Text), users.c.password_hash),
    )
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
_ADD_REFRESH_TOKEN = Statement(
    insert(refresh_tokens),
    columns=["digest", "login_id", "tenant_id", "user_id", "created_at", "expires_at"],
)
_HAS_USED_NETWORK = Statement(
    select(
        exists().where(
            logins.c.user_id == bindparam("user"), logins.c.network == bindparam("where")
        )
    )
)


class SystemTransaction(
    PostgresRecovery,
    PostgresLoginEnds,
    PostgresProfiles,
    PostgresEffects,
    PostgresUnanonymised,
):
    """One transaction on nobody's behalf: before a log-in there is no caller yet."""

    async def ensure_tenant(self, name: str, *, new_id: UUID) -> UUID:
        # As they look, not as they are spelt: nobody can make another one that looks the same.
        query = select(tenants.c.id).where(tenants.c.look == look_of(name))
        found: UUID | None = await self._connection.scalar(query)
        if found is None:
            await self._connection.execute(
                upsert(tenants).values(id=new_id, name=name).on_conflict_do_nothing()
            )
            # Ours, or that of another who was first.
            found = (await self._connection.execute(query)).scalar_one()
        return found

    async def add_account(self, account: Account, *, key: str) -> bool:
        user = account.user
        result = await self._connection.execute(
            upsert(users)
            .values(
                id=user.id,
                tenant_id=user.tenant_id,
                username=user.username,
                username_key=key,
                email=user.email,
                email_key=email_key(user.email) if user.email_verified_at else None,
                email_verified_at=user.email_verified_at,
                password_hash=account.password_hash,
                password_set_at=account.password_set_at,
                role=user.role.value,
                status="active",
                created_at=user.created_at,
                last_login_at=user.last_login_at,
            )
            .on_conflict_do_nothing()
            .returning(users.c.id)
        )
        return result.one_or_none() is not None

    async def account_by_key(self, key: str, *, disabled: bool = False) -> Account | None:
        return await find_account(
            self._connection, users.c.username_key, key, lock=False, disabled=disabled
        )

    async def account(self, user_id: UUID, *, lock: bool = False) -> Account | None:
        return await find_account(self._connection, users.c.id, user_id, lock=lock)

    async def set_last_login(
        self, user_id: UUID, *, password_hash: str | None, at: datetime
    ) -> None:
        _SET_LAST_LOGIN.defer(
            self._connection, written, user=user_id, seen_at=at, renewed=password_hash
        )

    async def has_used_network(self, user_id: UUID, network: str) -> bool:
        row = await _HAS_USED_NETWORK.first(self._connection, user=user_id, where=network)
        assert row is not None
        return bool(row[0])

    async def add_login(self, login: Login, client: Client) -> None:
        _ADD_LOGIN.defer(
            self._connection,
            written,
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

    async def find_login(self, digest: bytes) -> Login | None:
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

    async def refresh_token(self, digest: bytes) -> tuple[RefreshToken, datetime] | None:
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

    async def add_refresh_token(self, token: RefreshToken, login: Login) -> None:
        _ADD_REFRESH_TOKEN.defer(
            self._connection,
            written,
            digest=token.digest,
            login_id=login.id,
            tenant_id=login.tenant_id,
            user_id=login.user_id,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )

    async def rotate(self, token: RefreshToken, *, at: datetime, successor: bytes) -> None:
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

    async def extend_login(
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

    async def receipt(self, erasure_id: UUID) -> Receipt | None:
        query = (
            select(service_erasures.c.service, service_erasures.c.erased_at)
            .where(service_erasures.c.erasure_id == erasure_id)
            .order_by(service_erasures.c.service)
        )
        rows = (await self._connection.execute(query)).all()
        if not rows:
            return None
        return Receipt(tuple(ServiceErasure(row.service, row.erased_at) for row in rows))

    async def claim_unconfirmed(
        self, *, sent_before: datetime, at: datetime, limit: int
    ) -> Sequence[Erasure]:
        unconfirmed = exists().where(
            service_erasures.c.erasure_id == erasures.c.id,
            service_erasures.c.erased_at.is_(None),
        )
        claimed = (
            select(erasures.c.id)
            .where(unconfirmed, erasures.c.sent_at < sent_before)
            .order_by(erasures.c.sent_at)
            .limit(limit)
            .with_for_update(of=erasures, skip_locked=True)
        )
        result = await self._connection.execute(
            update(erasures)
            .where(erasures.c.id.in_(claimed.scalar_subquery()))
            .values(sent_at=at)
            .returning(
                erasures.c.id, erasures.c.tenant_id, erasures.c.user_id, erasures.c.requested_at
            )
        )
        return [Erasure(**row._mapping) for row in result]

    async def revocations_since(
        self, since: datetime | None
    ) -> tuple[Sequence[Revocation], datetime]:
        present = (await self._connection.execute(select(func.now()))).scalar_one()
        query = select(
            revocations.c.id,
            revocations.c.tenant_id,
            revocations.c.user_id,
            revocations.c.sid,
            revocations.c.revoked_at,
            revocations.c.expires_at,
        ).where(revocations.c.expires_at > func.now())
        if since is not None:
            query = query.where(revocations.c.stored_at > since)
        result = await self._connection.execute(query)
        return [Revocation(**row._mapping) for row in result], present

    async def promote(self, key: str, role: Role) -> tuple[User, Role] | None:
        account = await find_account(self._connection, users.c.username_key, key, lock=True)
        if account is None:
            return None
        await self._connection.execute(
            update(users).where(users.c.id == account.user.id).values(role=role.value)
        )
        return replace(account.user, role=role), account.user.role

    async def prune_audit(self, before: datetime) -> bool:
        return await prune_before(self._connection, before)

    async def prune(self, now: datetime) -> None:
        for table in (refresh_tokens, logins, revocations, tokens):
            await self._connection.execute(delete(table).where(table.c.expires_at < now))
        for table in (counters, codes):
            await self._connection.execute(delete(table).where(table.c.expires_at < func.now()))


OpenSystem = Callable[[], AbstractAsyncContextManager[SystemTransaction]]


def system_transactions(database: Database, effects: Effects) -> OpenSystem:
    """Opens transactions on ``database``, which is connected as the worker role."""

    @asynccontextmanager
    async def open_system() -> AsyncIterator[SystemTransaction]:
        async with database.transaction() as connection:
            transaction = SystemTransaction(connection, effects)
            yield transaction
        transaction.changes.announce()

    return open_system
