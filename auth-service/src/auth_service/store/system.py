"""Transactions before there is a caller, and those of the background: as the worker role."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Text,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.domain.emails import email_key
from auth_service.domain.erasures import Erasure, Receipt, ServiceErasure
from auth_service.domain.users import Account, Role, User
from auth_service.store.accounts import find_account
from auth_service.store.anonymise import PostgresUnanonymised
from auth_service.store.audit_log import prune_before, written
from auth_service.store.codes import PostgresRecovery
from auth_service.store.effects import PostgresEffects
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


class SystemTransaction(
    PostgresRecovery,
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
