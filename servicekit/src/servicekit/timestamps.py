"""Moments on the wire."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import FieldError, ValidationFailed


def timestamp_of(at: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    return timestamp


def moment_in(request: Message, field: str) -> datetime | None:
    """The moment in a field of ``request``, in UTC; None: it is not set.

    Raises ValidationFailed for one that no ``datetime`` can be. The field is named by a text, since
    ``from`` is a word of Python's.
    """
    if not request.HasField(field):
        return None
    timestamp: Timestamp = getattr(request, field)
    try:
        return timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValidationFailed(fields=[FieldError(field, "OUT_OF_RANGE")]) from None
