"""Accounts in PostgreSQL: users, and what they log in with."""

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Text, and_, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from auth_service.domain.emails import email_key, email_keys
from auth_service.domain.errors import EmailTaken
from auth_service.domain.users import Account, Role, User
from auth_service.store.tables import logins, tokens, users
from auth_service.store.transactions import Transaction
from auth_service.store.users import USER_COLUMNS, is_active, to_user
from chassis.db.idempotency import forget_answers
from chassis.db.statement import Statement

_SET_LAST_LOGIN = Statement(
    update(users)
    .where(users.c.id == bindparam("user"))
    .values(
        last_login_at=bindparam("seen_at"),
        # The same password, if at all: `password_set_at` stays.
        password_hash=func.coalesce(bindparam("renewed", type_=Text), users.c.password_hash),
    )
)


class Accounts:
    """Accounts, in one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    async def find(self, user_id: UUID, *, lock: bool = False) -> Account | None:
        """The account unless deleted or disabled; ``lock`` keeps log-ins and deletions waiting."""
        return await self._find(users.c.id, user_id, lock=lock)

    async def find_by_key(
        self, key: str, *, lock: bool = False, disabled: bool = False
    ) -> Account | None:
        """The account of that name; one that is ``disabled`` only where it is asked for."""
        return await self._find(users.c.username_key, key, lock=lock, disabled=disabled)

    async def find_by_email(
        self, email: str, *, lock: bool = False, disabled: bool = False
    ) -> Account | None:
        """The account whose verified address is ``email`` in any spelling; ``lock`` as for
        ``find``; one that is ``disabled`` only where it is asked for.
        """
        present, *earlier = email_keys(email)
        found = None
        for key in (present, *earlier):
            # All of them in any case: who is found early must not be told by the time it takes.
            account = await self._find(users.c.email_key, key, lock=lock, disabled=disabled)
            if found is None and account and email_key(account.user.email) == present:
                found = account
        return found

    async def is_email_taken(self, email: str, *, but: UUID | None = None) -> bool:
        """Whether the mailbox of ``email`` is the verified address of any account other than
        ``but``'s, also of one that cannot log in.
        """
        keys = email_keys(email)
        query = select(users.c.email, users.c.email_key).where(users.c.email_key.in_(keys))
        if but is not None:
            query = query.where(users.c.id != but)
        rows = await self._connection.execute(query)
        # The present key is unique, whatever is kept under it.
        return any(row.email_key == keys[0] or email_key(row.email) == keys[0] for row in rows)

    async def add(self, account: Account, *, key: str) -> bool:
        """Store a new account unless ``key``, or its verified address, is taken; True if it
        was stored.
        """
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

    async def set_last_login(
        self, user_id: UUID, *, password_hash: str | None, at: datetime
    ) -> None:
        """Set the time of the last log-in, and the hash if it was made anew."""
        await _SET_LAST_LOGIN.run(self._connection, user=user_id, seen_at=at, renewed=password_hash)

    async def replace_password(self, user_id: UUID, password_hash: str) -> None:
        await self._connection.execute(
            update(users)
            .where(users.c.id == user_id)
            .values(password_hash=password_hash, password_set_at=func.clock_timestamp())
        )

    async def set_display_name(self, user_id: UUID, name: str) -> None:
        await self._connection.execute(
            update(users).where(users.c.id == user_id).values(display_name=name or None)
        )

    async def set_email(self, user_id: UUID, email: str, *, verified_at: datetime | None) -> None:
        """Set the address, and whether it is verified. Raises EmailTaken if it shall be and
        is somebody else's.
        """
        # Under a key of before, the database would not see that it is the same.
        if verified_at is not None and await self.is_email_taken(email, but=user_id):
            raise EmailTaken()
        statement = (
            update(users)
            .where(users.c.id == user_id)
            .values(
                email=email,
                email_key=None if verified_at is None else email_key(email),
                email_verified_at=verified_at,
            )
        )
        try:
            await self._connection.execute(statement)
        except IntegrityError as error:
            # The one rule that a well-formed address can break; the transaction ends with this.
            raise EmailTaken() from error

    async def promote(self, key: str, role: Role) -> tuple[User, Role] | None:
        """Give the active user of that key a role; who it is, and the role before, or None."""
        account = await self.find_by_key(key, lock=True)
        if account is None:
            return None
        await self._connection.execute(
            update(users).where(users.c.id == account.user.id).values(role=role.value)
        )
        return replace(account.user, role=role), account.user.role

    async def leave_tombstone(self, user_id: UUID, at: datetime) -> None:
        """Take away everything personal of the user, logins included; the bare id stays, and
        the audit log, which gets no address or agent of theirs from here on.
        """
        await self._connection.execute(
            update(users)
            .where(users.c.id == user_id)
            .values(
                status="deleted",
                deleted_at=at,
                username=None,
                username_key=None,
                email=None,
                email_key=None,
                email_verified_at=None,
                display_name=None,
                password_hash=None,
                last_login_at=None,
            )
        )
        # Settings go with the status: a release that does not know of them erases them, too.
        # Addresses and user agents are personal as well; refresh tokens go with their login.
        for table in (logins, tokens):
            await self._connection.execute(delete(table).where(table.c.user_id == user_id))
        await forget_answers(self._connection, user_id)

    async def _find(
        self, column: Column[Any], value: object, *, lock: bool, disabled: bool = False
    ) -> Account | None:
        """The account that has ``value`` in a unique column, unless deleted or, where ``disabled``
        ones are not asked for as well, disabled.
        """
        statement = _account_of(column, lock=lock, disabled=disabled)
        row = await statement.first(self._connection, value=value)
        if row is None:
            return None
        return Account(to_user(row._asdict()), row.password_hash, row.password_set_at)


@cache
def _account_of(column: Column[Any], *, lock: bool, disabled: bool) -> Statement:
    named = column == bindparam("value")
    living = and_(named, users.c.status != "deleted") if disabled else is_active(named)
    query = select(*USER_COLUMNS, users.c.password_hash, users.c.password_set_at).where(living)
    # Keys are left alone: whoever only refers to the user need not wait, and is not lost.
    return Statement(query.with_for_update(key_share=True) if lock else query)
