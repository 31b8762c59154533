"""Texts that consist of parts, as several applications have them."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from chat_service.conversations.domain.session import title_from
from chat_service.imports.reading import clean


def said(content: object, left_out: Counter[str]) -> tuple[str, str | None]:
    """What is said in a text, or in a list of parts of it, and what was thought.

    Pictures, files and calls of tools are left out, each with its count.
    """
    if isinstance(content, str):
        return clean.text(content), None
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            texts.append(clean.text(part))
            continue
        if not isinstance(part, Mapping):
            continue
        match part.get("type") or part.get("content_type"):
            # What was said aloud is there as it was understood.
            case "text" | "output_text" | "input_text" | "audio_transcription" | "error":
                texts.append(_text_of(part.get("text", part.get("error"))))
            case "think" | "thinking" | "reasoning":
                thoughts.append(
                    _text_of(part.get("think") or part.get("thinking") or part.get("text"))
                )
            case (
                "tool_call" | "tool_use" | "tool_result" | "function_call" | "function_call_output"
            ):
                left_out["TOOL"] += 1
            case "agent_update":
                # Who answers from there on.
                continue
            case _:
                left_out["ATTACHMENT"] += 1
    return "\n\n".join(filter(None, texts)), "\n\n".join(filter(None, thoughts)) or None


def _text_of(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("value")
    return clean.text(value)


def key_of(messages: list[dict[str, Any]], *told: object) -> str:
    """What a conversation is known by: the first of these that is a name; without one, what is said in it."""
    named = next(filter(None, map(clean.key, told)), None)
    if named is not None:
        return named
    said = [(message["parent"], message["role"], message["content"]) for message in messages]
    return f"sha256:{sha256(orjson.dumps(said)).hexdigest()}"


def head_of(
    title: object,
    created_at: datetime | None,
    messages: list[dict[str, Any]],
    *,
    instructions: str | None = None,
    archived: bool = False,
    pinned: bool = False,
) -> dict[str, Any]:
    """A conversation as other applications have it: of models and connections here nothing is said."""
    times = [message["created_at"] for message in messages]
    begun = created_at.isoformat() if created_at is not None else min(times, default=None)
    last = max(times, default=None)
    named = clean.title(title)
    asked = next((one["content"] for one in messages if one["role"] == "user"), "")
    return {
        "title": named or clean.title(title_from(asked)),
        "title_by": "user" if named else "first_line",
        "instructions": instructions,
        "pinned": pinned,
        "summary": False,
        "created_at": begun,
        "last_message_at": last,
        "archived_at": (last or begun) if archived else None,
    }
