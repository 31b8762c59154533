"""The key a request bears, by which its repetition is known: the header ``Idempotency-Key``.

A key belongs to its user. The same key with the same request has one effect and the same
answer; with another request it is refused.
https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chassis.errors import AppError, FieldError, Kind, ValidationFailed

Effect = TypeVar("Effect")

FIELD = "Idempotency-Key"
METADATA_KEY = "idempotency-key"

_KEY = re.compile(r"[!-~]{1,255}")

# The key of the call being served, None without one: the server's guard sets it.
idempotency_key: ContextVar[str | None] = ContextVar("idempotency_key", default=None)


class IdempotencyKeyReused(AppError):
    kind = Kind.INVALID
    reason = "IDEMPOTENCY_KEY_REUSED"
    detail = "This idempotency key was used for another request."


class RequestInProgress(AppError):
    kind = Kind.CONFLICT
    reason = "REQUEST_IN_PROGRESS"
    detail = "A request with this idempotency key is still being carried out."

    def __init__(self) -> None:
        super().__init__(retry_after=1)


def parse_idempotency_key(offered: str | None) -> str | None:
    """``offered`` if it is 1–255 visible ASCII characters, or None; raises ValidationFailed."""
    if offered is not None and _KEY.fullmatch(offered) is None:
        raise ValidationFailed(fields=[FieldError(FIELD, "INVALID")])
    return offered


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request's key, and a hash of everything it asks for.

    ``other_hashes`` are what the hash of the same request may have been when it was kept.
    """

    key: str
    request_hash: bytes = field(repr=False)
    other_hashes: Sequence[bytes] = field(default=(), repr=False)

    def check(self, earlier_hash: bytes) -> None:
        """Raises IdempotencyKeyReused unless the earlier request with this key was the same."""
        if earlier_hash not in (self.request_hash, *self.other_hashes):
            raise IdempotencyKeyReused()


@dataclass(frozen=True, slots=True)
class Once(Generic[Effect]):
    """An effect that the repetitions of its request find rather than cause again."""

    request: RequestKey
    encode: Callable[[Effect], bytes]
    decode: Callable[[bytes], Effect]
