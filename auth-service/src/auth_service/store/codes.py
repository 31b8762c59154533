"""Codes by their digests, and the accounts that they are for; as the worker role."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, LargeBinary, any_, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from auth_service.domain.codes import CODE_LIFE, Purpose
from auth_service.store.tables import codes
from auth_service.store.transactions import SystemTransaction

_GIVEN = codes.c.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary)))
_IN_TIME = codes.c.expires_at > func.now()


class Codes:
    """Codes in one transaction; each is known by its digests alone."""

    def __init__(self, transaction: SystemTransaction) -> None:
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
