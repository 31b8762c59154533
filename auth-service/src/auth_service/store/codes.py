"""Codes by their digests, and the accounts that they are for; as the worker role."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, LargeBinary, any_, bindparam, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.codes import CODE_LIFE, Purpose
from auth_service.domain.users import Account
from auth_service.store.accounts import find_account
from auth_service.store.tables import codes, users

_GIVEN = codes.c.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary)))
_IN_TIME = codes.c.expires_at > func.now()


class PostgresCodes:
    """See the ports CodeTransaction and RecoveryTransaction."""

    _connection: AsyncConnection

    async def save_code(
        self, purpose: Purpose, *, subjects: Sequence[bytes], digest: bytes
    ) -> None:
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

    async def has_code(self, digests: Sequence[bytes]) -> bool:
        query = select(codes.c.subject).where(_GIVEN, _IN_TIME)
        result = await self._connection.execute(query, {"digests": list(digests)})
        return result.one_or_none() is not None

    async def redeem_code(self, digests: Sequence[bytes]) -> bool:
        statement = delete(codes).where(_GIVEN, _IN_TIME).returning(codes.c.subject)
        result = await self._connection.execute(statement, {"digests": list(digests)})
        return result.one_or_none() is not None

    async def account_by_email(
        self, key: str, *, lock: bool = False, disabled: bool = False
    ) -> Account | None:
        return await find_account(
            self._connection, users.c.email_key, key, lock=lock, disabled=disabled
        )

    async def is_email_taken(self, key: str) -> bool:
        query = select(exists().where(users.c.email_key == key))
        return bool((await self._connection.execute(query)).scalar_one())
