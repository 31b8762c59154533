"""NextChat's backup: its sessions, each a list of messages."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from chat_service.imports.reading import clean
from chat_service.imports.reading.formats.parts import head_of, said
from chat_service.imports.reading.made import Made, SkippedError
from chat_service.imports.reading.tree import Node, messages_of
from parley.bounds import INSTRUCTIONS

SOURCE: Final = "nextchat"
# Its times are as the browser's language writes them: year first is told, day and month in either order
# is not, and which zone it is nobody says.
_YEAR_FIRST: Final = re.compile(
    r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})[ ,]+(\d{1,2}):(\d{2}):(\d{2})", re.ASCII
)


def convert(item: Mapping[str, Any]) -> Made:
    """Raises SkippedError."""
    found, key = item.get("messages"), clean.line(item.get("id"), 100)
    if not isinstance(found, list) or key is None:
        raise SkippedError("NOT_A_CONVERSATION")
    left_out: Counter[str] = Counter()
    changed_at = clean.moment(item.get("lastUpdate"))
    nodes: dict[str, Node] = {}
    before: str | None = None
    for place, one in enumerate(found):
        if isinstance(one, Mapping):
            nodes[str(place)] = _node(one, before, changed_at, left_out)
            before = str(place)
    messages = messages_of(nodes, before, changed_at, left_out)
    if not messages:
        raise SkippedError("EMPTY")
    head = head_of(item.get("topic"), None, messages, instructions=_instructions(item))
    return Made(SOURCE, key, head, messages, left_out)


def _node(
    one: Mapping[str, Any], before: str | None, changed_at: datetime | None, left_out: Counter[str]
) -> Node:
    node = Node(before, None)
    role = one.get("role")
    if role not in ("user", "assistant"):
        left_out["SYSTEM"] += 1
        return node
    content, node.reasoning = said(one.get("content"), left_out)
    if not content.strip():
        return node
    node.role, node.content = role, content
    node.at = _moment(one.get("date")) or changed_at
    node.model = clean.model(one.get("model"))
    if one.get("isError") is True:
        node.status = "failed"
    elif one.get("streaming") is True:
        node.status = "interrupted"
    return node


def _moment(value: object) -> datetime | None:
    if isinstance(value, str) and (found := _YEAR_FIRST.fullmatch(value.strip())):
        try:
            return datetime(*map(int, found.groups()), tzinfo=UTC)  # type: ignore[arg-type,misc]
        except ValueError:
            return None
    return clean.moment(value)


def _instructions(item: Mapping[str, Any]) -> str | None:
    """What its mask tells the model first."""
    mask = item.get("mask")
    context = mask.get("context") if isinstance(mask, Mapping) else None
    told = [
        said(one.get("content"), Counter())[0]
        for one in (context if isinstance(context, list) else ())
        if isinstance(one, Mapping) and one.get("role") == "system"
    ]
    return clean.long_text("\n\n".join(filter(None, told)), INSTRUCTIONS.maximum)
