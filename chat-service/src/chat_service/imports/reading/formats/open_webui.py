"""Open WebUI's export: a list of chats, each with a history of messages that know their parents."""

import html
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from chat_service.imports.reading import clean
from chat_service.imports.reading.formats.attached import attached, those_of
from chat_service.imports.reading.formats.parts import head_of, key_of, said
from chat_service.imports.reading.made import Made, SkippedError
from chat_service.imports.reading.tree import Node, messages_of
from parley.bounds import INSTRUCTIONS

SOURCE: Final = "open-webui"
# Thinking and calls of tools, as it writes them into answers.
_DETAILS: Final = re.compile(r'<details type="(reasoning|tool_calls|code_interpreter)"[^<>]*>')
_DETAILS_END: Final = "</details>"
_PROMPT: Final = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_COMPLETION: Final = ("completion_tokens", "output_tokens", "eval_count")
_SUMMARY: Final = re.compile(r"\A\s*<summary>.*?</summary>", re.DOTALL)


def convert(item: Mapping[str, Any]) -> Made:
    """Raises SkippedError."""
    chat = item.get("chat")
    if not isinstance(chat, Mapping):
        raise SkippedError("NOT_A_CONVERSATION")
    found = chat.get("history")
    history: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    messages = history.get("messages")
    left_out: Counter[str] = Counter()
    nodes: dict[str, Node] = {}
    if isinstance(messages, Mapping) and messages:
        for name, one in messages.items():
            if isinstance(one, Mapping):
                nodes[name] = _node(one, one.get("parentId"), left_out)
    elif isinstance(found := chat.get("messages"), list):
        before = None
        for place, one in enumerate(found):
            if isinstance(one, Mapping):
                nodes[str(place)] = _node(one, before, left_out)
                before = str(place)
    created_at = clean.moment(item.get("created_at")) or clean.moment(chat.get("timestamp"))
    current = history.get("currentId")
    made = messages_of(nodes, current if isinstance(current, str) else None, created_at, left_out)
    if not made:
        raise SkippedError("EMPTY")
    parameters = chat.get("params")
    system = chat.get("system")
    if system is None and isinstance(parameters, Mapping):
        system = parameters.get("system")
    head = head_of(
        item.get("title") or chat.get("title"),
        created_at,
        made,
        instructions=clean.long_text(system, INSTRUCTIONS.maximum),
        archived=item.get("archived") is True,
        pinned=item.get("pinned") is True,
    )
    return Made(SOURCE, key_of(made, item.get("id"), chat.get("id")), head, made, left_out)


def _node(one: Mapping[str, Any], parent: object, left_out: Counter[str]) -> Node:
    node = Node(parent if isinstance(parent, str) else None, None)
    role = one.get("role")
    if role not in ("user", "assistant"):
        left_out["SYSTEM"] += 1
        return node
    before = left_out["ATTACHMENT"]
    content, reasoning = said(one.get("content"), left_out)
    if role == "assistant":
        content, thought = _without_details(content, left_out)
        reasoning = _output(one, "reasoning") or reasoning or thought
        content = content if content.strip() else _output(one, "message") or ""
    files = one.get("files")
    if isinstance(files, list):
        left_out["ATTACHMENT"] += len(files)
    is_asked = role == "user" and left_out["ATTACHMENT"] > before
    if not (content.strip() or is_asked or one.get("error")):
        return node
    node.role, node.content, node.reasoning = role, content, reasoning
    node.attachments = attached(those_of(files, "name", "content_type", "size"))
    node.at = clean.moment(one.get("timestamp"))
    node.model = clean.model(one.get("model")) or clean.model(one.get("modelName"))
    if one.get("error"):
        node.status = "failed"
    elif one.get("done") is False:
        node.status = "interrupted"
    # Of which server an answer came says how its tokens are called, and in older versions where they are.
    for usage in (one.get("usage"), one.get("info")):
        if isinstance(usage, Mapping):
            node.prompt_tokens = node.prompt_tokens or _count(usage, _PROMPT)
            node.completion_tokens = node.completion_tokens or _count(usage, _COMPLETION)
    return node


def _count(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    return next(
        (found for name in names if (found := clean.count(usage.get(name))) is not None), None
    )


def _without_details(content: str, left_out: Counter[str]) -> tuple[str, str | None]:
    thoughts: list[str] = []

    kept: list[str] = []
    at = 0
    while found := _DETAILS.search(content, at):
        end = content.find(_DETAILS_END, found.end())
        if end < 0:
            # Nor has any that begins behind it: to look for their ends would take the square of the time.
            break
        kept.append(content[at : found.start()])
        if found[1] == "reasoning":
            told = html.unescape(_SUMMARY.sub("", content[found.end() : end])).strip()
            thoughts.append(re.sub(r"^> ?", "", told, flags=re.MULTILINE))
        else:
            left_out["TOOL"] += 1
        at = end + len(_DETAILS_END)
        while at < len(content) and content[at].isspace():
            at += 1
    kept.append(content[at:])
    return "".join(kept), "\n\n".join(filter(None, thoughts)) or None


def _output(answer: Mapping[str, Any], kind: str) -> str | None:
    """What newer versions keep beside the text."""
    output = answer.get("output")
    told = [
        said(one.get("content"), Counter())[0]
        for one in (output if isinstance(output, list) else ())
        if isinstance(one, Mapping) and one.get("type") == kind
    ]
    return "\n\n".join(filter(None, told)) or None
