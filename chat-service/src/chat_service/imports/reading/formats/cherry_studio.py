"""Cherry Studio's backup: topics, whose messages are made of blocks that are kept in a table of their own."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from chat_service.imports.reading import clean
from chat_service.imports.reading.formats.attached import attached, those_of
from chat_service.imports.reading.formats.parts import head_of, key_of, said
from chat_service.imports.reading.made import Made, SkippedError
from chat_service.imports.reading.tree import Node, messages_of
from parley.bounds import INSTRUCTIONS

SOURCE: Final = "cherry-studio"
_STATUSES: Final = {"paused": "cancelled", "error": "failed", "success": "completed"}

# No member of a topic.
_INSTRUCTIONS: Final = "instructions of both"

#: A block by its id, None where there is none.
FindBlock = Callable[[str], Mapping[str, Any] | None]


def topics_of(stored: object) -> dict[str, Mapping[str, Any]]:
    """Topics by their ids, each with what its assistant and itself tell the model, out of what its pages keep:
    JSON in JSON.
    """
    topics: dict[str, Mapping[str, Any]] = {}
    assistants = _member(_member(stored, None), "assistants")
    listed = assistants.get("assistants") if isinstance(assistants, Mapping) else None
    for assistant in listed if isinstance(listed, list) else ():
        found = assistant.get("topics") if isinstance(assistant, Mapping) else None
        for topic in found if isinstance(found, list) else ():
            if isinstance(topic, Mapping) and isinstance(topic.get("id"), str):
                prompts = (clean.text(one.get("prompt")) for one in (assistant, topic))
                told = "\n\n".join(filter(None, prompts))
                topics[topic["id"]] = {**topic, _INSTRUCTIONS: told}
    return topics


def _member(value: object, name: str | None) -> object:
    if name is not None:
        value = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None


def convert(
    item: Mapping[str, Any], topics: Mapping[str, Mapping[str, Any]], find_block: FindBlock
) -> Made:
    """Raises SkippedError."""
    found = item.get("messages")
    if not isinstance(found, list):
        raise SkippedError("NOT_A_CONVERSATION")
    left_out: Counter[str] = Counter()
    nodes: dict[str, Node] = {}
    # What the next question follows; of answers that stand side by side the one that was picked.
    end: str | None = None
    picked = False
    for one in found:
        if not isinstance(one, Mapping) or not isinstance(one.get("id"), str):
            continue
        # Of two that bear one name the first is what others follow.
        name = one["id"] if one["id"] not in nodes else f"{one['id']} {len(nodes)}"
        asked = one.get("askId")
        beside = one.get("role") == "assistant" and isinstance(asked, str) and asked in nodes
        parent = asked if beside else end
        node = nodes[name] = _node(one, parent, find_block, left_out)
        if node.role is None:
            continue
        is_picked = one.get("foldSelected") is True or one.get("useful") is True
        siblings = beside and end is not None and nodes[end].parent == parent
        if not siblings or is_picked or not picked:
            end, picked = name, is_picked
    told = item.get("id")
    topic = topics.get(told, {}) if isinstance(told, str) else {}
    created_at = clean.moment(topic.get("createdAt"))
    messages = messages_of(nodes, end, created_at, left_out)
    if not messages:
        raise SkippedError("EMPTY")
    pinned = topic.get("pinned") is True
    head = head_of(
        topic.get("name") or item.get("name"),
        created_at,
        messages,
        instructions=clean.long_text(topic.get(_INSTRUCTIONS), INSTRUCTIONS.maximum),
        pinned=pinned,
    )
    return Made(SOURCE, key_of(messages, told), head, messages, left_out)


def _node(
    one: Mapping[str, Any], parent: str | None, find_block: FindBlock, left_out: Counter[str]
) -> Node:
    node = Node(parent, None)
    role = one.get("role")
    if role not in ("user", "assistant"):
        left_out["SYSTEM"] += 1
        return node
    before = left_out["ATTACHMENT"]
    files: list[object] = []
    if isinstance(found := one.get("files"), list):
        files += found
        left_out["ATTACHMENT"] += len(found)
    # Older versions had the text in the message itself.
    texts = [said(one.get("content"), left_out)[0]]
    thoughts = [clean.text(one.get("reasoning_content"))]
    blocks = one.get("blocks")
    for block_id in blocks if isinstance(blocks, list) else ():
        block = find_block(block_id) if isinstance(block_id, str) else None
        if block is None:
            continue
        match block.get("type"):
            case "main_text":
                texts.append(clean.text(block.get("content")))
            case "code":
                language = clean.line(block.get("language"), 40) or ""
                texts.append(f"```{language}\n{clean.text(block.get('content'))}\n```")
            case "thinking":
                thoughts.append(clean.text(block.get("content")))
            case "tool" | "citation":
                left_out["TOOL"] += 1
            case "image" | "file" | "video":
                files.append(block.get("file"))
                left_out["ATTACHMENT"] += 1
            case _:
                left_out["OTHER"] += 1
    content = "\n\n".join(filter(None, texts))
    is_asked = role == "user" and left_out["ATTACHMENT"] > before
    if not (content.strip() or is_asked):
        return node
    node.role, node.content = role, content
    node.attachments = attached(those_of(files, "origin_name", "mime", "size"))
    node.reasoning = "\n\n".join(filter(None, thoughts)) or None
    node.at = clean.moment(one.get("createdAt"))
    model = one.get("model")
    named = model.get("id") or model.get("name") if isinstance(model, Mapping) else None
    node.model = clean.model(named) or clean.model(one.get("modelId"))
    node.status = _STATUSES.get(str(one.get("status")), "interrupted")
    if isinstance(usage := one.get("usage"), Mapping):
        node.prompt_tokens = clean.count(usage.get("prompt_tokens"))
        node.completion_tokens = clean.count(usage.get("completion_tokens"))
    return node
