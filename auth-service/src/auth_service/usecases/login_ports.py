"""What a user may do with their own logins, as the use cases need it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth_service.domain.logins import EndedLogin, OpenLogin
from chassis.paging import Position


class LoginEnds(Protocol):
    """The part of a transaction that takes from a user's logins what they rest on."""

    async def end_logins(
        self, user_id: UUID, at: datetime, *, only: UUID | None = None, but: UUID | None = None
    ) -> Sequence[EndedLogin]:
        """End the open logins of the user: all of them, ``only`` this one, or all ``but`` this one."""
        ...

    async def end_oldest_logins(
        self, user_id: UUID, at: datetime, *, but: int
    ) -> Sequence[EndedLogin]:
        """End the open logins of the user but the ``but`` that were used last."""
        ...

    async def replace_password(self, user_id: UUID, password_hash: str) -> None: ...


class OwnLogins(LoginEnds, Protocol):
    """A part of the caller's transaction."""

    async def open_logins(
        self, user_id: UUID, now: datetime, *, after: Position | None, limit: int
    ) -> Sequence[OpenLogin]:
        """At most ``limit`` open logins behind ``after``, last used first."""
        ...

    async def count_logins(self, user_id: UUID, now: datetime) -> int: ...
