"""What came of using a connection, for who keeps connections."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chat_service.providers.domain.connection import Learnt


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a connection: why it failed, or that it worked where the one before had failed.

    Neither: only something was learnt.
    """

    key_id: UUID
    error_reason: str | None = None
    ok: bool = False
    learnt: tuple[Learnt, ...] = ()


class ReportUse(Protocol):
    """Tells apikey-service, for the calling user; it may be told twice. Raises AppError."""

    async def __call__(self, use: Use) -> None: ...
