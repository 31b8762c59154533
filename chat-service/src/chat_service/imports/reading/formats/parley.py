"""Our own format: what docs/export-format.md says. Nothing in it is believed."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from chat_service.answer.domain.ending import known_finish_reason
from chat_service.files.domain.kinds import KINDS
from chat_service.imports.reading import clean
from chat_service.imports.reading.frames import ATTACHED_ID
from chat_service.imports.reading.made import (
    MOST_MESSAGE_BYTES,
    MOST_MESSAGES,
    MOST_VARIANTS,
    Made,
    SkippedError,
)
from parley.bounds import (
    FILE_NAME,
    IMPORTED_KEY,
    INSTRUCTIONS,
    MAX_ATTACHMENTS,
    MAX_NOTE_TAGS,
    NOTE_CONTENT,
    NOTE_TAG,
    NOTE_TITLE,
    PERSONA_NAME,
    PERSONA_PROMPT,
    SESSION_TITLE,
)

SOURCE: Final = "parley"
VERSION: Final = 1
_ROLES: Final = frozenset({"user", "assistant", "system"})
_STATUSES: Final = frozenset({"completed", "cancelled", "interrupted", "failed"})
_TITLES_BY: Final = frozenset({"first_line", "model", "user"})
_CACHE: Final = ("hit", "miss")
_HIGHEST_ORDER: Final = 2**31 - 2
_MOST_ADAPTED: Final = 16
_LARGEST_FILE: Final = 2**53
_FILE_KEY: Final = re.compile(ATTACHED_ID)


def convert(item: Mapping[str, Any]) -> Made:
    """Raises SkippedError for what is no conversation of this format."""
    found = item.get("messages")
    key = clean.line(item.get("id"), 100)
    created_at = clean.moment(item.get("created_at"))
    if not isinstance(found, list) or key is None or created_at is None:
        raise SkippedError("NOT_A_CONVERSATION")
    if len(found) > MOST_MESSAGES:
        raise SkippedError("TOO_MANY_MESSAGES")
    messages: list[dict[str, Any]] = []
    parents: dict[int, int] = {}
    last, leaf = 0, 0
    for one in found:
        if not isinstance(one, Mapping):
            raise SkippedError("NOT_A_CONVERSATION")
        message = _message(one)
        order, parent = message["order"], message["parent"] or 0
        # Those that are followed come first.
        if order <= last or (parent and parent not in parents):
            raise SkippedError("NOT_A_TREE")
        parents[order] = parent
        last, leaf = order, order if message["chosen"] else leaf
        messages.append(message)
    # The chosen path is one, also where it was written while another was chosen.
    path = set[int]()
    while leaf:
        path.add(leaf)
        leaf = parents[leaf]
    for message in messages:
        message["chosen"] = message["order"] in path
    following = Counter(message["parent"] for message in messages)
    if following and max(following.values()) > MOST_VARIANTS:
        raise SkippedError("TOO_MANY_VARIANTS")
    title_by = item.get("title_by")
    archived_at = clean.moment(item.get("archived_at"))
    last_message_at = clean.moment(item.get("last_message_at"))
    head = {
        "title": _title(item.get("title")),
        "title_by": title_by if _is_one_of(title_by, _TITLES_BY) else "user",
        "persona": clean.line(item.get("persona"), PERSONA_NAME.maximum),
        "persona_prompt": clean.long_text(item.get("persona_prompt"), PERSONA_PROMPT.maximum),
        "model": clean.model(item.get("model")),
        "parameters": clean.parameters(item.get("parameters")),
        "instructions": clean.long_text(item.get("instructions"), INSTRUCTIONS.maximum),
        "folder": clean.folder(item.get("folder")),
        "pinned": item.get("pinned") is True,
        "summary": item.get("summary") is True,
        "archived_at": None if archived_at is None else archived_at.isoformat(),
        "created_at": created_at.isoformat(),
        "last_message_at": None if last_message_at is None else last_message_at.isoformat(),
    }
    return Made(SOURCE, key, head, messages)


def note(item: object) -> dict[str, Any]:
    """A note as it is handed over; raises SkippedError for what is none."""
    if not isinstance(item, Mapping):
        raise SkippedError("NOTE_INVALID")
    key = clean.line(item.get("id"), IMPORTED_KEY.maximum)
    title, content, tags = (item.get(name) for name in ("title", "content", "tags"))
    created_at = clean.moment(item.get("created_at"))
    if (
        key is None
        or created_at is None
        or not isinstance(title, str)
        or not isinstance(content, str)
        or not isinstance(tags, list)
        or not all(isinstance(tag, str) for tag in tags)
    ):
        raise SkippedError("NOTE_INVALID")
    if (
        len(title) > NOTE_TITLE.maximum
        or len(content) > NOTE_CONTENT.maximum
        or len(tags) > MAX_NOTE_TAGS
        or any(len(tag) > NOTE_TAG.maximum for tag in tags)
    ):
        raise SkippedError("NOTE_TOO_LARGE")
    return {
        "key": key,
        "title": clean.text(title),
        "content": clean.text(content),
        "tags": [clean.text(tag) for tag in tags],
        "pinned": item.get("pinned") is True,
        "created_at": created_at.isoformat(),
        "updated_at": (clean.moment(item.get("updated_at")) or created_at).isoformat(),
    }


def _title(value: object) -> str:
    found = clean.text(value)
    # What a person can have given it stays as it is: other spaces, joiners and line breaks, too.
    return found if len(found) <= SESSION_TITLE.maximum else clean.title(found)


def _message(one: Mapping[str, Any]) -> dict[str, Any]:
    order, parent, role, status = (one.get(name) for name in ("order", "parent", "role", "status"))
    created_at = clean.moment(one.get("created_at"))
    if (
        not _is_order(order)
        or not (parent is None or _is_order(parent))
        or not _is_one_of(role, _ROLES)
        or not isinstance(one.get("content"), str)
        or created_at is None
    ):
        raise SkippedError("NOT_A_CONVERSATION")
    content, reasoning = clean.text(one["content"]), clean.text(one.get("reasoning")) or None
    if len(content.encode()) + len((reasoning or "").encode()) > MOST_MESSAGE_BYTES:
        raise SkippedError("MESSAGE_TOO_LARGE")
    finish_reason = clean.line(one.get("finish_reason"), 64)
    return {
        "order": order,
        "parent": parent,
        "chosen": one.get("chosen") is True,
        "role": role,
        "content": content,
        "reasoning": reasoning,
        "status": status if _is_one_of(status, _STATUSES) else None,
        "reason": clean.word(one.get("reason")),
        "finish_reason": known_finish_reason(finish_reason),
        "provider": clean.line(one.get("provider"), 64),
        "model": clean.model(one.get("model")),
        "parameters": clean.parameters(one.get("parameters")),
        "adapted": _adapted(one.get("adapted")),
        "fallback_reason": clean.word(one.get("fallback_reason")),
        **{
            f"{kind}_tokens": clean.count(one.get(f"{kind}_tokens"))
            for kind in ("prompt", "completion", "cached", "reasoning")
        },
        "cache": cache if (cache := one.get("cache")) in _CACHE else None,
        "created_at": created_at.isoformat(),
        "attachments": _attachments(one.get("attachments")) if role == "user" else None,
    }


def _attachments(value: object) -> list[dict[str, Any]] | None:
    """What was attached, by name. `key`: what it is known by in this export."""
    if not isinstance(value, list):
        return None
    return [
        {"key": _key_of(one), "name": name, "kind": kind, "size": size}
        for one in value[:MAX_ATTACHMENTS]
        if isinstance(one, Mapping)
        and (name := clean.line(one.get("name"), FILE_NAME.maximum)) is not None
        and isinstance(kind := one.get("kind"), str)
        and kind in KINDS
        and (size := clean.count(one.get("size"), _LARGEST_FILE)) is not None
    ] or None


def _key_of(attached: Mapping[str, Any]) -> str | None:
    key = attached.get("id")
    return key if isinstance(key, str) and _FILE_KEY.fullmatch(key) else None


def _is_one_of(value: object, words: frozenset[str]) -> bool:
    return isinstance(value, str) and value in words


def _is_order(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _HIGHEST_ORDER


def _adapted(value: object) -> list[dict[str, Any]] | None:
    if not isinstance(value, list):
        return None
    return [
        {"parameter": parameter, "use": clean.line(one.get("use"), 200)}
        for one in value[:_MOST_ADAPTED]
        if isinstance(one, Mapping) and (parameter := clean.line(one.get("parameter"), 64))
    ] or None
