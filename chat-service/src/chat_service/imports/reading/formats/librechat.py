"""LibreChat's export of one conversation: its messages in a list, or each with those that follow it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chat_service.answer.domain.ending import known_finish_reason
from chat_service.imports.reading import clean
from chat_service.imports.reading.formats.attached import attached, those_of
from chat_service.imports.reading.formats.citations import with_sources
from chat_service.imports.reading.formats.parts import head_of, key_of, said
from chat_service.imports.reading.made import Made, SkippedError
from chat_service.imports.reading.tree import Node, messages_of
from parley.bounds import INSTRUCTIONS

SOURCE: Final = "librechat"
_NO_PARENT: Final = "00000000-0000-0000-0000-000000000000"


def convert(item: Mapping[str, Any]) -> Made:
    """Raises SkippedError."""
    left_out: Counter[str] = Counter()
    nodes: dict[str, Node] = {}
    before: str | None = None
    last: str | None = None
    in_branches = item.get("branches") is not False or item.get("recursive") is True
    for name, told, one in _all(item):
        # Without its branches the path alone is there, of which a parent may be missing.
        parent = told if in_branches or told in nodes else before
        # Of two that bear one name the first is what others follow.
        place = name if name not in nodes else f"{name} {len(nodes)}"
        nodes[place] = _node(one, parent, left_out)
        before = last = place
    made = messages_of(nodes, last, None, left_out)
    if not made:
        raise SkippedError("EMPTY")
    found = item.get("options")
    options: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    instructions = clean.long_text(options.get("promptPrefix"), INSTRUCTIONS.maximum)
    head = head_of(item.get("title"), None, made, instructions=instructions)
    return Made(SOURCE, key_of(made, item.get("conversationId")), head, made, left_out)


def _all(item: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Mapping[str, Any]]]:
    """Each message with its id and its parent's, those that it follows before it."""
    waiting: list[tuple[object, str | None]] = []
    for name in ("messagesTree", "messages"):
        found = item.get(name)
        # Of a tree that has one beginning, that alone.
        beginnings = found if isinstance(found, list) else [found] if found else []
        waiting += [(one, None) for one in reversed(beginnings)]
    number = 0
    while waiting:
        one, above = waiting.pop()
        if not isinstance(one, Mapping):
            continue
        number += 1
        named = one.get("messageId")
        name = named if isinstance(named, str) else f"message {number}"
        told = one.get("parentMessageId")
        parent = told if isinstance(told, str) and told != _NO_PARENT else above
        yield name, parent, one
        children = one.get("children")
        if isinstance(children, list):
            waiting += [(child, name) for child in reversed(children)]


def _node(one: Mapping[str, Any], parent: str | None, left_out: Counter[str]) -> Node:
    before = left_out["ATTACHMENT"]
    content, reasoning = said(one.get("content"), left_out)
    content = with_sources(content or clean.text(one.get("text")), one.get("attachments"))
    for name in ("files", "attachments"):
        if isinstance(found := one.get(name), list):
            # What was found for an answer is linked in it.
            left_out["ATTACHMENT"] += sum(
                not (isinstance(file, Mapping) and "web_search" in file) for file in found
            )
    node = Node(parent, None)
    role = "user" if one.get("isCreatedByUser") is True else "assistant"
    is_asked = role == "user" and left_out["ATTACHMENT"] > before
    if not (content.strip() or is_asked):
        return node
    node.role = role
    node.attachments = attached(those_of(one.get("files"), "filename", "type", "bytes"))
    node.content, node.reasoning = content, reasoning
    node.at = clean.moment(one.get("createdAt"))
    node.model = clean.model(one.get("model"))
    if one.get("error") is True:
        node.status = "failed"
    elif one.get("unfinished") is True:
        node.status = "interrupted"
    finish_reason = one.get("finish_reason")
    if isinstance(finish_reason, str):
        node.finish_reason = known_finish_reason(finish_reason)
    return node
