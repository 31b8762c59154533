"""What users say of themselves, as both kinds of transaction write it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.domain.emails import email_key
from auth_service.domain.errors import EmailTaken
from auth_service.store.codes import email_is_taken
from auth_service.store.tables import users


class PostgresProfiles:
    """See the port ProfileTransaction."""

    _connection: AsyncConnection

    async def set_display_name(self, user_id: UUID, name: str) -> None:
        await self._connection.execute(
            update(users).where(users.c.id == user_id).values(display_name=name or None)
        )

    async def set_email(self, user_id: UUID, email: str, *, verified_at: datetime | None) -> None:
        # Under a key of before, the database would not see that it is the same.
        if verified_at is not None and await email_is_taken(self._connection, email, but=user_id):
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

    async def replace_password(self, user_id: UUID, password_hash: str) -> None:
        await self._connection.execute(
            update(users)
            .where(users.c.id == user_id)
            .values(password_hash=password_hash, password_set_at=func.clock_timestamp())
        )
