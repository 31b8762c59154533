"""ChatGPT's `conversations.json`: each conversation is a mapping of nodes that know their parents."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from chat_service.answer.domain.ending import known_finish_reason
from chat_service.imports.reading import clean
from chat_service.imports.reading.formats.attached import attached, those_of
from chat_service.imports.reading.formats.citations import with_links
from chat_service.imports.reading.formats.parts import head_of, key_of, said
from chat_service.imports.reading.made import MOST_MESSAGES, Made, SkippedError
from chat_service.imports.reading.tree import Node, messages_of
from parley.bounds import INSTRUCTIONS

SOURCE: Final = "chatgpt"
_SAID: Final = frozenset({"text", "multimodal_text", "code"})
_STATUSES: Final = {"in_progress": "interrupted", "finished_partial_completion": "interrupted"}


def convert(item: Mapping[str, Any]) -> Made:
    """Raises SkippedError."""
    mapping = item.get("mapping")
    if not isinstance(mapping, Mapping):
        raise SkippedError("NOT_A_CONVERSATION")
    if len(mapping) > MOST_MESSAGES:
        raise SkippedError("TOO_MANY_MESSAGES")
    left_out: Counter[str] = Counter()
    nodes: dict[str, Node] = {}
    for name, one in mapping.items():
        if isinstance(one, Mapping):
            nodes[name] = _node(one, left_out)
    _hand_on_thoughts(nodes)
    created_at = clean.moment(item.get("create_time"))
    current = item.get("current_node")
    messages = messages_of(
        nodes, current if isinstance(current, str) else None, created_at, left_out
    )
    if not messages:
        raise SkippedError("EMPTY")
    head = head_of(
        item.get("title"),
        created_at,
        messages,
        instructions=_instructions(mapping, left_out),
        archived=item.get("is_archived") is True,
        pinned=item.get("is_starred") is True,
    )
    # The oldest exports have names of messages alone.
    key = key_of(messages, item.get("conversation_id"), item.get("id"))
    return Made(SOURCE, key, head, messages, left_out)


def _instructions(mapping: Mapping[str, Any], left_out: Counter[str]) -> str | None:
    """What its user has told the model of themselves and of how to answer, once for the conversation."""
    for one in mapping.values():
        message = one.get("message") if isinstance(one, Mapping) else None
        if not isinstance(message, Mapping):
            continue
        content, metadata = (_member(message, name) for name in ("content", "metadata"))
        # Its own words; the content has them in those that it puts around them for the model.
        context = _member(metadata, "user_context_message_data")
        told = [context.get("about_user_message"), context.get("about_model_message")]
        if not any(told) and content.get("content_type") == "user_editable_context":
            told = [content.get("user_profile"), content.get("user_instructions")]
        if instructions := "\n\n".join(filter(None, map(clean.text, told))).strip():
            if len(instructions) <= INSTRUCTIONS.maximum:
                return instructions
            left_out["SYSTEM"] += 1
            return None
    return None


def _member(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = of.get(name)
    return found if isinstance(found, Mapping) else {}


def _node(one: Mapping[str, Any], left_out: Counter[str]) -> Node:
    parent = one.get("parent")
    node = Node(parent if isinstance(parent, str) else None, None)
    message = one.get("message")
    if not isinstance(message, Mapping):
        return node
    author, content, metadata = (
        _member(message, name) for name in ("author", "content", "metadata")
    )
    role, kind = author.get("role"), content.get("content_type")
    if (
        metadata.get("is_visually_hidden_from_conversation") is True
        or kind == "user_editable_context"
    ):
        return node
    if role == "system" or kind == "model_editable_context":
        # What it remembers of its user, in the one case.
        told = content.get("parts") or content.get("model_set_context")
        if said(told, left_out)[0].strip():
            left_out["SYSTEM"] += 1
        return node
    if kind == "thoughts":
        node.reasoning = _thoughts(content)
        return node
    if kind == "reasoning_recap":
        return node
    recipient = message.get("recipient") or "all"
    if role not in ("user", "assistant") or recipient != "all" or not _is_said(kind):
        left_out["TOOL"] += 1
        return node
    before = left_out["ATTACHMENT"]
    node.content, _ = said(content.get("parts"), left_out)
    if kind == "code" and (code := clean.text(content.get("text"))).strip():
        # To be read, and not to be run: that goes to a recipient.
        language = clean.line(content.get("language"), 40)
        node.content = f"```{'' if language in (None, 'unknown') else language}\n{code}\n```"
    elif role == "assistant":
        node.content = with_links(node.content, metadata)
    files = metadata.get("attachments")
    # It has called the type by both names.
    node.attachments = attached(
        (name, first or second, size)
        for (name, first, size), (_, second, _) in zip(
            those_of(files, "name", "mime_type", "size"),
            those_of(files, "name", "mimeType", "size"),
            strict=True,
        )
    )
    # Pictures are told of in both places.
    named = len(files) if isinstance(files, list) else 0
    if (untold := before + named - left_out["ATTACHMENT"]) > 0:
        left_out["ATTACHMENT"] += untold
    is_asked = role == "user" and left_out["ATTACHMENT"] > before
    if not (node.content.strip() or is_asked):
        return node
    node.role = role
    node.at = clean.moment(message.get("create_time"))
    node.model = clean.model(metadata.get("model_slug"))
    node.status = _STATUSES.get(str(message.get("status")), "completed")
    details = metadata.get("finish_details")
    kind_of_end = details.get("type") if isinstance(details, Mapping) else None
    if kind_of_end == "interrupted":
        node.status = "interrupted"
    elif isinstance(kind_of_end, str):
        node.finish_reason = known_finish_reason(kind_of_end)
    return node


def _is_said(kind: object) -> bool:
    return kind is None or (isinstance(kind, str) and kind in _SAID)


def _thoughts(content: Mapping[str, Any]) -> str | None:
    thoughts = content.get("thoughts")
    told = [
        "\n".join(filter(None, (clean.text(one.get("summary")), clean.text(one.get("content")))))
        for one in (thoughts if isinstance(thoughts, list) else ())
        if isinstance(one, Mapping)
    ]
    return "\n\n".join(filter(None, told)) or None


def _hand_on_thoughts(nodes: Mapping[str, Node]) -> None:
    """What was thought in a node of its own belongs to the answer behind it, the first if there are several."""
    seen = set[str]()
    for node in nodes.values():
        if node.role != "assistant":
            continue
        thoughts: list[str] = []
        above = node.parent
        while above is not None and above not in seen:
            node_above = nodes.get(above)
            if node_above is None or node_above.role is not None:
                break
            seen.add(above)
            if thought := node_above.reasoning:
                thoughts.append(thought)
            above = node_above.parent
        node.reasoning = "\n\n".join(reversed(thoughts)) or None
