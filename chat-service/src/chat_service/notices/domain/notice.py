"""Notices: that something has changed, and where to look. They bear ids and no text.

What it is now is read from the database: notices of two replicas may come in another order than
what they are about was committed in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

import orjson


class SessionChange(Enum):
    """What has happened to a conversation."""

    CREATED = "created"
    CHANGED = "changed"
    #: Another path through its messages is the chosen one.
    PATH = "path"
    DELETED = "deleted"
    #: Its messages are gone.
    CLEARED = "cleared"
    #: Some of its messages are gone.
    MESSAGES_DELETED = "messages_deleted"
    #: What others are shown of it has changed.
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of something of this user's; ``data`` is a JSON object, at most 500 bytes."""

    user_id: UUID
    data: bytes


#: Has a notice told to whoever watches; at once, and without an error whatever happens.
Tell = Callable[[Notice], None]


def session_notice(
    user_id: UUID, change: SessionChange, session_id: UUID | None, run_id: UUID | None = None
) -> Notice:
    """``session_id`` None: it is about all conversations of the user's. ``run_id``: the live run that went along."""
    told: dict[str, str] = {"topic": "sessions", "change": change.value}
    if session_id is not None:
        told["session_id"] = str(session_id)
    if run_id is not None:
        told["run_id"] = str(run_id)
    return Notice(user_id, orjson.dumps(told))


def run_started(
    user_id: UUID, run_id: UUID, session_id: UUID, question_id: UUID, answer_id: UUID
) -> Notice:
    """The path to the question is the chosen one from now on."""
    return Notice(
        user_id,
        orjson.dumps(
            {
                "topic": "runs",
                "change": "started",
                "run_id": str(run_id),
                "session_id": str(session_id),
                "question_id": str(question_id),
                "answer_id": str(answer_id),
            }
        ),
    )


def run_ended(
    user_id: UUID, run_id: UUID, session_id: UUID, status: str, reason: str | None
) -> Notice:
    """Its answer is saved."""
    told = {
        "topic": "runs",
        "change": "ended",
        "run_id": str(run_id),
        "session_id": str(session_id),
        "status": status,
    }
    if reason is not None:
        told["reason"] = reason
    return Notice(user_id, orjson.dumps(told))
