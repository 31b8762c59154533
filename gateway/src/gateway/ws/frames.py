"""What is said over a socket: the client's frames, checked as REST bodies are, and ours.

A frame of a run is spliced into its event byte by byte, as chat-service made it.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, ValidationError

from chassis.errors import AppError, FieldError, ValidationFailed
from gateway.problems import field_errors, members
from gateway.routes.json_route import json_object, refuse_nul
from gateway.schemas.base import WHOLE, Body
from gateway.schemas.chat import TextForm
from gateway.schemas.questions import Question
from gateway.schemas.tree import Again, Edit
from gateway.streams.failures import shown
from gateway.streams.frames import FrameLike

_INT64_MAX = 2**63 - 1

# The client's own name for a frame: the answers to it bear the same.
Ref = Annotated[str, Field(min_length=1, max_length=64)]
RunId = Annotated[str, Field(min_length=1, max_length=64)]
IdempotencyKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,255}$")]


class Auth(Body):
    type: Literal["auth"]
    ref: Ref | None = None
    token: str


class SendQuestion(Question):
    type: Literal["send"]
    ref: Ref
    session_id: str | None = None
    idempotency_key: IdempotencyKey | None = None


class Regenerate(Again):
    type: Literal["regenerate"]
    ref: Ref
    session_id: str
    message_id: str
    idempotency_key: IdempotencyKey | None = None


class EditMessage(Edit):
    type: Literal["edit"]
    ref: Ref
    session_id: str
    message_id: str
    idempotency_key: IdempotencyKey | None = None


class Continue(Body):
    type: Literal["continue"]
    ref: Ref
    run_id: RunId
    idempotency_key: IdempotencyKey | None = None


class Follow(Body):
    type: Literal["follow"]
    ref: Ref
    run_id: RunId
    after: Annotated[int, Field(ge=0, le=_INT64_MAX), WHOLE] = 0
    format: TextForm | None = None


class Unfollow(Body):
    type: Literal["unfollow"]
    ref: Ref
    run_id: RunId


class Cancel(Body):
    type: Literal["cancel"]
    ref: Ref
    run_id: RunId


class Subscribe(Body):
    type: Literal["subscribe"]
    ref: Ref
    after: Annotated[str, Field(max_length=64)] | None = None


class Ping(Body):
    type: Literal["ping"]
    ref: Ref | None = None


ClientFrame = (
    Auth
    | SendQuestion
    | Regenerate
    | EditMessage
    | Continue
    | Follow
    | Unfollow
    | Cancel
    | Subscribe
    | Ping
)

_SCHEMAS: dict[object, type[ClientFrame]] = {
    "auth": Auth,
    "send": SendQuestion,
    "regenerate": Regenerate,
    "edit": EditMessage,
    "continue": Continue,
    "follow": Follow,
    "unfollow": Unfollow,
    "cancel": Cancel,
    "subscribe": Subscribe,
    "ping": Ping,
}


class UnreadableFrame(Exception):
    """A frame that says nothing we can do; ``ref`` as far as it could be read."""

    def __init__(self, ref: str | None, error: ValidationFailed) -> None:
        super().__init__(error.reason)
        self.ref = ref
        self.error = error


def read(raw: bytes) -> ClientFrame:
    """The frame that ``raw`` spells. Raises MalformedJson or UnreadableFrame."""
    parsed: dict[str, Any] = {}
    try:
        parsed = json_object(raw)
        refuse_nul(raw, parsed)
        kind = parsed.get("type")
        schema = _SCHEMAS.get(kind) if isinstance(kind, str) else None
        if schema is None:
            reason = "NOT_ONE_OF" if "type" in parsed else "REQUIRED"
            raise ValidationFailed(fields=[FieldError("type", reason)])
        return schema.model_validate(parsed)
    except ValidationError as error:
        refusal = ValidationFailed(fields=field_errors(error.errors()))
        raise UnreadableFrame(_ref(parsed), refusal) from None
    except ValidationFailed as error:
        if error.reason != ValidationFailed.reason:
            raise
        raise UnreadableFrame(_ref(parsed), error) from None


def ref_of(raw: bytes) -> str | None:
    """The ``ref`` in a frame that is not read any further, if it can be found."""
    try:
        return _ref(json_object(raw))
    except ValidationFailed:
        return None


def _ref(parsed: dict[str, Any]) -> str | None:
    ref = parsed.get("ref")
    return ref if isinstance(ref, str) and 1 <= len(ref) <= 64 else None


def ack(ref: str | None, **members: str | bool) -> bytes:
    """``ref`` was done, or has begun."""
    return _with_ref("ack", ref, members)


def pong(ref: str | None) -> bytes:
    """The answer to a ping."""
    return _with_ref("pong", ref, {})


def problem(error: AppError, ref: str | None) -> bytes:
    """``ref`` could not be done: the members of the REST problem, ``type`` aside."""
    told = members(error)
    del told["type"]
    if error.retry_after is not None:
        told["retry_after"] = error.retry_after
    return _with_ref("problem", ref, told)


def notice(cursor: str, data: bytes) -> bytes:
    """A notice, its JSON object spliced in unread."""
    return b'{"type":"notice","cursor":%b,%b' % (orjson.dumps(cursor), data[1:])


def _with_ref(kind: str, ref: str | None, members: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {"type": kind, **members} if ref is None else {"type": kind, "ref": ref, **members}
    )


def opening_of(run_id: str) -> bytes:
    """What all events of a run begin with."""
    return b'{"type":"event","run_id":%b,"seq":' % orjson.dumps(run_id)


def events(opening: bytes, frames: Iterable[FrameLike]) -> Iterator[bytes]:
    """The frames of a run as events, each made when it is asked for; their data is not looked at, but
    for that of a failure.
    """
    for frame in frames:
        yield b'%b%d,"event":"%b","data":%b}' % (
            opening,
            frame.seq,
            frame.event.encode(),
            shown(frame),
        )
