"""Exports of ChatGPT's, and what becomes of an import of one."""

import json
import random
from typing import Any

import httpx

from chassis.testing.eventually import eventually

from .client import Client

# A killed reader's lease, twice, and the reading.
_IMPORTED_SECONDS = 150.0


def export_of(conversations: int, mark: str, messages: int = 6) -> bytes:
    """As ChatGPT writes one."""
    return json.dumps(
        [_conversation(f"{mark}-{number}", messages) for number in range(conversations)]
    ).encode()


def _conversation(key: str, messages: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": ["0"]}
    }
    for place in range(messages):
        nodes[str(place)] = {
            "id": str(place),
            "parent": str(place - 1) if place else "root",
            "children": [str(place + 1)] if place + 1 < messages else [],
            "message": {
                "id": f"{key}-{place}",
                "author": {"role": "assistant" if place % 2 else "user"},
                "create_time": 1_790_000_000 + place,
                "content": {"content_type": "text", "parts": [f"{key} {place} " + "x" * 2_000]},
            },
        }
    return {
        "title": key,
        "create_time": 1_790_000_000,
        "mapping": nodes,
        "current_node": str(messages - 1),
        "conversation_id": key,
    }


async def import_ended(client: Client, import_id: str) -> dict[str, Any]:
    told: dict[str, Any] = {}

    async def has_ended() -> bool:
        answer = await client.ask("GET", f"/chat/imports/{import_id}", at=random.randrange(2))
        if answer.status_code == 200:
            told.update(answer.json())
        return bool(told.get("ended_at"))

    await eventually(has_ended, timeout=_IMPORTED_SECONDS, ignoring=(httpx.TransportError,))
    return told
