"""What auth-service tells of ended log-ins, and what an event stream says at its end for that."""

import time
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from parley.auth.v1 import auth_pb2

FAREWELL = b": logged out\n\n"


def revocation(*, sid: str = "", user: Any = "", at: float = 0.0) -> auth_pb2.Revocation:
    now = int(time.time())
    return auth_pb2.Revocation(
        sid=sid,
        user_id=str(user),
        revoked_at=Timestamp(seconds=int(at) or now + 600),
        expires_at=Timestamp(seconds=now + 600),
    )
