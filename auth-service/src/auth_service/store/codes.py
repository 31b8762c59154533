"""Codes by their digests, and the accounts that they are for; as the worker role."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, any_, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.codes import CODE_LIFE, Purpose
from auth_service.domain.emails import email_key, email_keys
from auth_service.domain.users import Account
from auth_service.store.accounts import find_account
from auth_service.store.tables import codes, users
from auth_service.store.transactions import Transaction

_GIVEN = codes.c.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary)))
_IN_TIME = codes.c.expires_at > func.now()


class Codes:
    """Codes in one transaction; each is known by its digests alone."""

    def __init__(self, transaction: Transaction) -> None:
        self._connection = transaction.connection

    async def save(self, purpose: Purpose, *, subjects: Sequence[bytes], digest: bytes) -> None:
        """Keep a code for CODE_LIFE under the first of ``subjects``, and none under the others;
        it takes the place of what was there.
        """
        own, *others = subjects
        if others:
            await self._connection.execute(delete(codes).where(codes.c.subject.in_(others)))
        values = {
            "purpose": purpose.value,
            "digest": digest,
            "expires_at": func.now() + CODE_LIFE,
        }
        await self._connection.execute(
            upsert(codes)
            .values(subject=own, **values)
            .on_conflict_do_update(index_elements=[codes.c.subject], set_=values)
        )

    async def has(self, digests: Sequence[bytes]) -> bool:
        """Whether a code that has not expired has one of ``digests``."""
        query = select(codes.c.subject).where(_GIVEN, _IN_TIME)
        result = await self._connection.execute(query, {"digests": list(digests)})
        return result.one_or_none() is not None

    async def redeem(self, digests: Sequence[bytes]) -> bool:
        """Take that code away: of many that do it at once, one gets True."""
        statement = delete(codes).where(_GIVEN, _IN_TIME).returning(codes.c.subject)
        result = await self._connection.execute(statement, {"digests": list(digests)})
        return result.one_or_none() is not None


class PostgresRecovery:
    _connection: AsyncConnection

    async def account_by_email(
        self, email: str, *, lock: bool = False, disabled: bool = False
    ) -> Account | None:
        present, *earlier = email_keys(email)
        found = None
        for key in (present, *earlier):
            # All of them in any case: who is found early must not be told by the time it takes.
            account = await find_account(
                self._connection, users.c.email_key, key, lock=lock, disabled=disabled
            )
            if found is None and account and email_key(account.user.email) == present:
                found = account
        return found

    async def is_email_taken(self, email: str) -> bool:
        return await email_is_taken(self._connection, email)


async def email_is_taken(
    connection: AsyncConnection, email: str, *, but: UUID | None = None
) -> bool:
    """Whether the mailbox of ``email`` is some account's verified address, other than ``but``'s."""
    keys = email_keys(email)
    query = select(users.c.email, users.c.email_key).where(users.c.email_key.in_(keys))
    if but is not None:
        query = query.where(users.c.id != but)
    rows = await connection.execute(query)
    # The present key is unique, whatever is kept under it.
    return any(row.email_key == keys[0] or email_key(row.email) == keys[0] for row in rows)
