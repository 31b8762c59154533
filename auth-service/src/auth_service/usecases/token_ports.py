"""Personal access tokens, as the use cases need them stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from auth_service.domain.tokens import Token
from chassis.idempotency import Once
from chassis.paging import Position


class TokenEnds(Protocol):
    """The part of a transaction that takes a user's tokens away."""

    async def delete_tokens(self, user_id: UUID) -> Sequence[UUID]:
        """Delete all of them; returns their ids."""
        ...


class OwnTokens(TokenEnds, Protocol):
    """A part of the caller's transaction."""

    async def find_made(self, once: Once[UUID], token: Token) -> UUID | None:
        """The id of the token that an earlier request with this key has made; None, and this
        one makes ``token``. Raises IdempotencyKeyReused, RequestInProgress.
        """
        ...

    async def add_token(self, token: Token, digest: bytes) -> None: ...

    async def tokens(self, user_id: UUID, *, after: Position | None, limit: int) -> Sequence[Token]:
        """At most ``limit`` tokens behind ``after``, newest first."""
        ...

    async def count_tokens(self, user_id: UUID) -> int: ...

    async def delete_token(self, user_id: UUID, token_id: UUID) -> bool:
        """Whether there was such a token to delete."""
        ...


class TokensPresented(TokenEnds, Protocol):
    """A part of the system's transaction."""

    async def token_by_digest(self, digest: bytes) -> Token | None: ...

    async def set_last_used(self, token_id: UUID, *, at: datetime) -> None: ...

    async def mark_use_recorded(self, token_id: UUID, *, at: datetime, interval: timedelta) -> bool:
        """Whether the audit log gets an entry that it was used ``at`` that time: only if no replica
        has recorded one within ``interval``.
        """
        ...

    async def mark_refusal_recorded(
        self, token_id: UUID, *, at: datetime, interval: timedelta
    ) -> bool:
        """The same of a refusal."""
        ...
