"""What makes two questions the same: all that a model server is told, who asks it, and by which connection."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.run import Run


def asked_of(run: Run, connection: Connection, prompt: Sequence[PromptMessage]) -> bytes:
    """The whole of it, in one spelling. It goes nowhere but into a keyed hash.

    The places of messages in the conversation are no part of it: a model is not told them.
    """
    messages = [{**asdict(message), "orders": None} for message in prompt]
    return orjson.dumps(
        [
            run.user_id,
            connection.key_id,
            connection.base_url,
            connection.headers,
            run.provider,
            run.model,
            run.parameters.said(),
            messages,
        ],
        default=_digest,
        option=orjson.OPT_SORT_KEYS,
    )


def _digest(value: Any) -> str:
    """What is attached, by what is in it."""
    if isinstance(value, bytes | bytearray | memoryview):
        return hashlib.sha256(value).hexdigest()
    raise TypeError(type(value).__name__)
