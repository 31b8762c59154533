"""What makes two questions the same: all that a model server is told, who asks it, and by which connection."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import orjson

from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import Picture, PromptMessage
from chat_service.runs.domain.run import Run

_SAID = tuple(said.name for said in fields(PromptMessage) if said.name != "orders")


def asked_of(run: Run, connection: Connection, prompt: Sequence[PromptMessage]) -> bytes:
    """The whole of it, in one spelling. It goes nowhere but into a keyed hash.

    The places of messages in the conversation are no part of it: a model is not told them.
    """
    messages = [{name: getattr(message, name) for name in _SAID} for message in prompt]
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


def _digest(value: Any) -> list[str]:
    """A picture, by what is in it."""
    if isinstance(value, Picture):
        return [value.media_type, hashlib.sha256(value.base64().encode()).hexdigest()]
    raise TypeError(type(value).__name__)
