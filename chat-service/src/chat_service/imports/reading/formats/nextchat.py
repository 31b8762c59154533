"""NextChat's backup: its sessions, each a list of messages."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from chat_service.imports.reading import clean
from chat_service.imports.reading.formats.parts import head_of, key_of, said
from chat_service.imports.reading.made import Made, SkippedError
from chat_service.imports.reading.tree import Node, messages_of
from parley.bounds import INSTRUCTIONS

SOURCE: Final = "nextchat"
# Its times are as the browser's language writes them: year first is told, day and month in either order
# is not, and which zone it is nobody says.
_YEAR_FIRST: Final = re.compile(
    r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})[ ,]+(\d{1,2}):(\d{2}):(\d{2})", re.ASCII
)
# What it writes before the topic of a session that is exported by itself, in whichever language its pages are.
_OPENINGS: Final = (
    *("You are an assistant that", "你是一个助手", "你是一個助手", "あなたはアシスタントです"),
    *(
        "당신은 보조자입니다.",
        "Du bist ein Assistent",
        "Eres un asistente",
        "Vous êtes un assistant",
    ),
    *("Anda adalah seorang asisten", "Sei un assistente", "Du er en assistent", "Вы - помощник"),
    *("Você é um assistente que", "Ste asistent, ktorý", "Sen bir asistansın", "Bạn là một trợ lý"),
    *("Jste asistent", "Du er en hjælper, der skal...", "أنت مساعد", "আপনি একজন সহকারী"),
)


def convert(item: Mapping[str, Any]) -> Made:
    """Raises SkippedError."""
    found = item.get("messages")
    if not isinstance(found, list):
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
    # Before its third version it gave sessions numbers for names, or none.
    return Made(SOURCE, key_of(messages, item.get("id")), head, messages, left_out)


def convert_shared(item: Mapping[str, Any]) -> Made:
    """One session as it is exported by itself: what was said, behind a sentence that ends with its topic.

    Raises SkippedError.
    """
    found = item.get("messages")
    if not isinstance(found, list) or not found or found[0].get("role") != "system":
        return convert(item)
    first = found[0]
    told = clean.text(first.get("content"))
    opening = next((one for one in _OPENINGS if told.startswith(f"{one} ")), None)
    topic = None if opening is None else told[len(opening) + 1 :]
    return convert({"topic": topic, "messages": found[1:]})


def is_shared(item: Mapping[str, Any]) -> bool:
    """Whether a document may be such a session: it has messages, and nothing else."""
    found = item.get("messages")
    return (
        item.keys() == {"messages"}
        and isinstance(found, list)
        and all(isinstance(one, Mapping) and {"role", "content"} <= one.keys() for one in found)
    )


def _node(
    one: Mapping[str, Any], before: str | None, changed_at: datetime | None, left_out: Counter[str]
) -> Node:
    node = Node(before, None)
    role = one.get("role")
    if role not in ("user", "assistant"):
        left_out["SYSTEM"] += 1
        return node
    attached = left_out["ATTACHMENT"]
    content, node.reasoning = said(one.get("content"), left_out)
    if isinstance(tools := one.get("tools"), list):
        left_out["TOOL"] += len(tools)
    is_asked = role == "user" and left_out["ATTACHMENT"] > attached
    if not (content.strip() or is_asked):
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
