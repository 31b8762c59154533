"""Personal access tokens that tests come with, and what auth-service makes of them."""

import time

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.caller import Caller
from chassis.errors import AppError, Kind
from parley.auth.v1 import auth_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

NOTES = "/api/v1/notes"


class InvalidToken(AppError):
    kind = Kind.UNAUTHENTICATED
    reason = "INVALID_TOKEN"
    detail = "The personal access token is not valid."


def secret(number: int = 0) -> str:
    return "parley_pat_" + f"{number:043d}"


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def grants(door: Door, *, scope: str = "notes:read", lifetime: float = 120.0) -> Caller:
    """From now on each exchange succeeds, with this caller's token."""
    caller: Caller = door.signer.caller(door.caller.user_id, scope=scope, lifetime=lifetime)
    door.auth.answers["ExchangeToken"] = auth_pb2.ExchangeTokenResponse(
        access_token=caller.token, expires_in=int(lifetime)
    )
    door.notes.answers["ListNotes"] = notes_pb2.ListNotesResponse()
    return caller


def exchanges(door: Door) -> int:
    return len([call for call in door.auth.calls if call.method == "ExchangeToken"])


def revoke(door: Door, caller: Caller) -> None:
    later = Timestamp(seconds=int(time.time()) + 600)
    door.auth.publish(auth_pb2.Revocation(sid=caller.sid, revoked_at=later, expires_at=later))
