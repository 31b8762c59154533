"""Typed errors on the wire: a status with ``google.rpc.ErrorInfo`` and its relatives."""

import logging
import re
from dataclasses import dataclass

import grpc
import grpc.aio
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from chassis.errors import (
    AppError,
    FieldError,
    Internal,
    Kind,
    RemoteError,
)
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

ERROR_DOMAIN = "parley"

_DETAILS_KEY = "grpc-status-details-bin"
_CODES: dict[str, grpc.StatusCode] = {code.name: code for code in grpc.StatusCode}
_KINDS: dict[str, Kind] = {kind.grpc_status: kind for kind in Kind}
# How gRPC tells of a stream that the other side dropped: there is no code for it alone.
_RESET = ("Received RST_STREAM", "Stream removed")
# A bound that a field missed, as it travels in a FieldViolation's description.
_BOUND = re.compile(r"(?P<name>minimum|maximum)=(?P<number>-?[0-9]{1,20}(?:\.[0-9]{1,20})?)")
# Where gRPC writes of a call, and which of its internal errors says that the other side was gone: it exports neither.
_LOGGER = "grpc._cython.cygrpc"
_HUNG_UP = "ExecuteBatchError"
_TOO_LARGE = "message larger than max"


class MessageTooLarge(AppError):
    kind = Kind.INTERNAL
    reason = "MESSAGE_TOO_LARGE"
    detail = "This is too much to be passed on at once."


class PeerGone(RemoteError):
    """The other side did not answer; ``why`` is gRPC's text, for the log and nobody else."""

    def __init__(self, why: str) -> None:
        super().__init__(
            Kind.UNAVAILABLE, "UNAVAILABLE", "A part of the system is away; try again shortly."
        )
        self.why = why


def deadline_exceeded() -> RemoteError:
    """The other side took longer than it was given: whether what was asked for is done is not known."""
    return RemoteError(Kind.TIMEOUT, "DEADLINE_EXCEEDED", "It took too long.")


@dataclass(frozen=True, slots=True)
class _Status(grpc.Status):
    code: grpc.StatusCode
    details: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


def to_status(error: AppError) -> grpc.Status:
    """The gRPC status that says all of ``error`` that another process may know."""
    code = _CODES[error.kind.grpc_status]
    status = status_pb2.Status(code=code.value[0], message=error.detail)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(
            reason=error.reason, domain=ERROR_DOMAIN, metadata=error.metadata
        )
    )
    if error.fields:
        status.details.add().Pack(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=field.field, reason=field.reason, description=_bound_of(field)
                    )
                    for field in error.fields
                ]
            )
        )
    if error.retry_after is not None:
        status.details.add().Pack(
            error_details_pb2.RetryInfo(
                retry_delay=duration_pb2.Duration(seconds=error.retry_after)
            )
        )
    return _Status(code, error.detail, ((_DETAILS_KEY, status.SerializeToString()),))


def _bound_of(field: FieldError) -> str:
    # FieldViolation has no number of its own, and its description is shown to nobody.
    if field.minimum is not None:
        return f"minimum={field.minimum!r}"
    return "" if field.maximum is None else f"maximum={field.maximum!r}"


def _bound_in(description: str) -> dict[str, float]:
    found = _BOUND.fullmatch(description)
    if found is None:
        return {}
    number = found["number"]
    return {found["name"]: float(number) if "." in number else int(number)}


def from_rpc_error(error: grpc.aio.AioRpcError) -> AppError:
    """What the other side meant.

    A status without our ErrorInfo comes from gRPC itself. A side that does not answer, goes
    away or drops the call is PeerGone, a deadline that passed ``DEADLINE_EXCEEDED``, and
    what is longer than a message may be ``MessageTooLarge``; anything else is INTERNAL. Its text
    goes to the log and no further.
    """
    raw = dict(error.trailing_metadata()).get(_DETAILS_KEY)
    if isinstance(raw, bytes):
        return _from_details(status_pb2.Status.FromString(raw), error.code())
    code, details = error.code(), error.details() or ""
    match code:
        # Our own cancelling is no status: these calls are cancelled by a server that stops.
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return PeerGone(f"{code.name}: {details}")
        case grpc.StatusCode.INTERNAL | grpc.StatusCode.UNKNOWN if details.startswith(_RESET):
            return PeerGone(f"{code.name}: {details}")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return deadline_exceeded()
        case grpc.StatusCode.RESOURCE_EXHAUSTED if _TOO_LARGE in details:
            _log.error("grpc.message_too_large", details=details)
            return MessageTooLarge()
    _log.error("grpc.unknown_status", code=code.name, details=details)
    return Internal()


def _from_details(status: status_pb2.Status, code: grpc.StatusCode) -> AppError:
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after: int | None = None
    for detail in status.details:
        if detail.Is(retry.DESCRIPTOR):
            detail.Unpack(retry)
            retry_after = retry.retry_delay.seconds
        else:
            for message in (info, bad_request):
                if detail.Is(message.DESCRIPTOR):
                    detail.Unpack(message)
    kind = _KINDS.get(code.name)
    if kind is None or info.domain != ERROR_DOMAIN:
        _log.error("grpc.unknown_status", code=code.name, details=status.message)
        return Internal()
    return RemoteError(
        kind,
        info.reason,
        status.message,
        fields=[
            FieldError(violation.field, violation.reason, **_bound_in(violation.description))
            for violation in bad_request.field_violations
        ],
        metadata=dict(info.metadata),
        retry_after=retry_after,
    )


def keep_hang_ups_from_the_log() -> None:
    """Have no line written of a client that leaves amid a message, which to gRPC may be an error with its stack."""
    logging.getLogger(_LOGGER).addFilter(_is_no_hang_up)


def _is_no_hang_up(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or kind.__name__ != _HUNG_UP or not issubclass(kind, grpc.aio.InternalError)
