"""What came of using a connection, for who keeps connections."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class LearntOf:
    """A parameter that a server refused of `model`, and what is sent instead: empty, nothing."""

    model: str
    parameter: str
    use: str


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a connection: why it failed, or that it worked where the one before had failed.

    Neither: only something was learnt.
    """

    key_id: UUID
    error_reason: str | None = None
    ok: bool = False
    learnt: tuple[LearntOf, ...] = ()


class ReportUse(Protocol):
    """Tells apikey-service, for the calling user; it may be told twice. Raises AppError."""

    async def __call__(self, use: Use) -> None: ...
