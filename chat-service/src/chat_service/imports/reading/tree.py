"""Messages of another application, which know their parents, as a tree of ours."""

import heapq
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chassis.clock import utc_now
from chat_service.imports.reading.made import (
    MOST_MESSAGE_BYTES,
    MOST_MESSAGES,
    MOST_VARIANTS,
    SkippedError,
)

# What models write that think aloud.
_THINKING: Final = re.compile(r"\A\s*<think(?:ing)?>(.*?)</think(?:ing)?>\s*", re.DOTALL)


@dataclass(slots=True)
class Node:
    """A message as it was found; `role` None: it is none of ours, and those that follow it follow what it
    follows.
    """

    parent: str | None
    role: str | None
    content: str = ""
    at: datetime | None = None
    model: str | None = None
    reasoning: str | None = None
    status: str = "completed"
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    attachments: list[dict[str, Any]] | None = None


def messages_of(
    nodes: Mapping[str, Node], current: str | None, since: datetime | None, left_out: Counter[str]
) -> list[dict[str, Any]]:
    """The messages in order: parents first, and else by their times.

    `current` is the end of the chosen path; None, or of no message: the last one. `since` is when what has no
    time was said; where nothing has any, that is now. Raises SkippedError for more messages, longer ones and more variants than there may be.
    """
    if len(nodes) > MOST_MESSAGES:
        raise SkippedError("TOO_MANY_MESSAGES")
    children: dict[str | None, list[str]] = {}
    for key, node in nodes.items():
        parent = node.parent if node.parent in nodes and node.parent != key else None
        children.setdefault(parent, []).append(key)
    made: list[dict[str, Any]] = []
    # By the key of each that was met, the order of what stands for it; 0: nothing yet.
    order_of: dict[str, int] = {}
    places = {key: place for place, key in enumerate(nodes)}
    times = [node.at for node in nodes.values() if node.at is not None]
    waiting: list[tuple[datetime, int, str, int]] = []

    def wait_for(parent: str | None, parent_order: int, at: datetime) -> None:
        for key in children.get(parent, ()):
            own = nodes[key].at or at
            heapq.heappush(waiting, (max(own, at), places[key], key, parent_order))

    wait_for(None, 0, min(times, default=since or utc_now()))
    while waiting:
        at, _, key, parent_order = heapq.heappop(waiting)
        node = nodes[key]
        order = parent_order
        if node.role is not None:
            order = _take(made, node, parent_order, node.at or at, alone=_is_alone(node, children))
        order_of[key] = order
        wait_for(key, order, at)
    # Those that follow each other in a circle are met by nobody.
    if unmet := len(nodes) - len(order_of):
        left_out["NOT_IN_THE_TREE"] += unmet
    _check(made)
    _choose(made, order_of.get(current or "", 0) or len(made))
    return made


def _is_alone(node: Node, children: Mapping[str | None, list[str]]) -> bool:
    return len(children.get(node.parent, ())) == 1


def _take(
    made: list[dict[str, Any]], node: Node, parent_order: int, at: datetime, *, alone: bool
) -> int:
    """Its order; that of the answer that it goes on with, where it is a further piece of one."""
    content, reasoning = node.content, node.reasoning
    if node.role == "assistant" and (thought := _THINKING.match(content)):
        content = content[thought.end() :]
        reasoning = reasoning or thought[1].strip() or None
    before = made[parent_order - 1] if parent_order else None
    if before is not None and alone and node.role == before["role"] == "assistant":
        if len(before["content"]) + len(content) > MOST_MESSAGE_BYTES:
            raise SkippedError("MESSAGE_TOO_LARGE")
        before["content"] = "\n\n".join(filter(None, (before["content"], content)))
        before["reasoning"] = "\n\n".join(filter(None, (before["reasoning"], reasoning))) or None
        before["status"] = node.status
        before["model"] = before["model"] or node.model
        return parent_order
    answers = node.role == "assistant"
    made.append(
        {
            "order": len(made) + 1,
            "parent": parent_order or None,
            "chosen": False,
            "role": node.role,
            "content": content,
            "reasoning": reasoning if answers else None,
            "status": node.status if answers else None,
            "finish_reason": node.finish_reason if answers else None,
            "model": node.model if answers else None,
            "prompt_tokens": node.prompt_tokens if answers else None,
            "completion_tokens": node.completion_tokens if answers else None,
            "created_at": at.isoformat(),
            "attachments": None if answers else node.attachments,
        }
    )
    return len(made)


def _check(made: list[dict[str, Any]]) -> None:
    following = Counter(message["parent"] for message in made)
    if following and max(following.values()) > MOST_VARIANTS:
        raise SkippedError("TOO_MANY_VARIANTS")
    for message in made:
        size = len(message["content"].encode()) + len((message["reasoning"] or "").encode())
        if size > MOST_MESSAGE_BYTES:
            raise SkippedError("MESSAGE_TOO_LARGE")


def _choose(made: list[dict[str, Any]], leaf: int) -> None:
    """The path to this message is the chosen one."""
    while leaf:
        message = made[leaf - 1]
        message["chosen"] = True
        leaf = message["parent"] or 0
