"""Typed errors, and the one table that says what each kind is in gRPC and in HTTP.

A service raises a subclass of :class:`AppError`; the gRPC server's interceptor sends it as a
status with ``google.rpc.ErrorInfo``; the caller's client raises it again as
:class:`RemoteError`; the gateway answers with ``application/problem+json``. Only ``detail``,
a constant of the class, is ever shown to a user: no value that was sent travels back.
"""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import ClassVar, Final


class Kind(Enum):
    """What sort of failure it is: (gRPC status name, HTTP status)."""

    INVALID = ("INVALID_ARGUMENT", 422)
    UNAUTHENTICATED = ("UNAUTHENTICATED", 401)
    FORBIDDEN = ("PERMISSION_DENIED", 403)
    NOT_FOUND = ("NOT_FOUND", 404)
    CONFLICT = ("ALREADY_EXISTS", 409)
    EXHAUSTED = ("RESOURCE_EXHAUSTED", 429)
    UNAVAILABLE = ("UNAVAILABLE", 503)
    TIMEOUT = ("DEADLINE_EXCEEDED", 504)
    INTERNAL = ("INTERNAL", 500)

    def __init__(self, grpc_status: str, http_status: int) -> None:
        self.grpc_status = grpc_status
        self.http_status = http_status


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused; ``reason`` is upper snake case, such as ``TOO_LONG``.

    ``minimum`` or ``maximum`` is the bound that was missed, inclusive: characters with
    ``TOO_SHORT`` and ``TOO_LONG``, items with ``TOO_MANY``, the number itself with ``TOO_SMALL``
    and ``TOO_LARGE``.
    """

    field: str
    reason: str
    minimum: float | None = None
    maximum: float | None = None


class AppError(Exception):
    """A failure with a kind, a stable reason and a sentence for people.

    Subclasses set the three class variables. ``fields`` name what was refused, ``metadata``
    carries ids a client can act on, ``retry_after`` is in whole seconds.
    """

    kind: ClassVar[Kind]
    reason: ClassVar[str]
    detail: ClassVar[str]

    def __init__(
        self,
        *,
        fields: Sequence[FieldError] = (),
        metadata: Mapping[str, str] = MappingProxyType({}),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(self.reason)
        self.fields = tuple(fields)
        self.metadata = dict(metadata)
        self.retry_after = retry_after

    @property
    def http_status(self) -> int:
        return self.kind.http_status


class ValidationFailed(AppError):
    kind = Kind.INVALID
    reason = "VALIDATION"
    detail = "Some fields are not acceptable."


class Unauthenticated(AppError):
    kind = Kind.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"
    detail = "A valid access token is required."


class Forbidden(AppError):
    kind = Kind.FORBIDDEN
    reason = "FORBIDDEN"
    detail = "This caller may not do that."


class Unavailable(AppError):
    """``is_outage`` is false where what was asked may itself be why it cannot be had."""

    kind = Kind.UNAVAILABLE
    reason = "UNAVAILABLE"
    detail = "A part of the system is away; try again shortly."
    is_outage: ClassVar[bool] = True


class Internal(AppError):
    kind = Kind.INTERNAL
    reason = "INTERNAL"
    detail = "Something went wrong on our side."


# What a machine says that has no more to give just now: open files, processes, memory, room on a disk.
_USED_UP: Final = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.EAGAIN,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.ENOSPC,
        errno.EDQUOT,
    }
)


def untyped(error: Exception) -> AppError:
    """What is told of an error that nobody has typed: where a machine has no more to give, that it may pass."""
    if isinstance(error, OSError) and error.errno in _USED_UP:
        return Unavailable(retry_after=1)
    return Internal()


class RemoteError(AppError):
    """An error that another process answered with, kind and reason as it sent them."""

    def __init__(
        self,
        kind: Kind,
        reason: str,
        detail: str,
        *,
        fields: Sequence[FieldError] = (),
        metadata: Mapping[str, str] = MappingProxyType({}),
        retry_after: int | None = None,
    ) -> None:
        # Instance attributes shadow the class variables: the class is not known here.
        self.__dict__.update(kind=kind, reason=reason, detail=detail)
        super().__init__(fields=fields, metadata=metadata, retry_after=retry_after)
