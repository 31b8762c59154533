"""Cherry Studio's and NextChat's, which keep everything where they are used."""

import json
from typing import Any

from .variants_expected import ANSWERED, ASKED, BOTH, Cases


def cherry(*messages: Any, blocks: Any = (), prompt: str = "", version: int = 5) -> dict[str, Any]:
    """A backup of Cherry Studio's with one topic."""
    topic = {"id": "t", "name": "Rivers", "createdAt": "2025-05-01T10:00:00.000Z"}
    assistants = json.dumps({"assistants": [{"prompt": prompt, "topics": [topic]}]})
    told = {"id": "t", "messages": list(messages)}
    kept = {
        "topics": [told],
        "message_blocks": list(blocks),
    }
    return {
        "time": 1746093600000,
        "version": version,
        "localStorage": {"persist:cherry-studio": json.dumps({"assistants": assistants})},
        "indexedDB": kept if version > 1 else [{"key": "topic:t", "value": told}, {"key": "image"}],
    }


def cherry_message(key: str, role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "role": role, "content": content, "status": "success", **more}


_CQ, _CA = cherry_message("q", "user", "?"), cherry_message("a", "assistant", "!")
CHERRY_STUDIO: Cases = {
    "the first version": (cherry(_CQ, _CA, version=1), BOTH, {}),
    "the second version": (cherry(_CQ, _CA, version=2), BOTH, {}),
    "two that bear one name": (
        cherry(_CQ, _CA, cherry_message("a", "user", "??")),
        [*BOTH, "3<2* u: ??"],
        {},
    ),
    "where the context was cleared": (
        cherry(_CQ, _CA, cherry_message("c", "clear", ""), cherry_message("r", "user", "so?")),
        [*BOTH, "3<2* u: so?"],
        {"SYSTEM": 1},
    ),
    "pictures in a version without blocks": (
        cherry(cherry_message("q", "user", "", files=[{"id": "f"}]), _CA),
        ["1<0* u: ", ANSWERED],
        {"ATTACHMENT": 1},
    ),
    "a translation, an error and what nobody knows": (
        cherry(
            _CQ,
            cherry_message("a", "assistant", "", blocks=["m", "t", "e", "x", "gone", 7]),
            blocks=[
                {"id": "m", "type": "main_text", "content": "!"},
                {"id": "t", "type": "translation", "content": "¡"},
                {"id": "e", "type": "error", "error": {"message": "429"}},
                {"id": "x", "type": []},
            ],
        ),
        BOTH,
        {"OTHER": 3},
    ),
    "code is code": (
        cherry(
            _CQ,
            cherry_message("a", "assistant", "", blocks=["m"]),
            blocks=[{"id": "m", "type": "code", "content": "x", "language": "py"}],
        ),
        [ASKED, "2<1* a: ```py\nx\n```"],
        {},
    ),
}


def nextchat(*messages: Any, **more: Any) -> dict[str, Any]:
    session = {"id": "n", "topic": "T", "lastUpdate": 1700000100000, "messages": list(messages)}
    return {"chat-next-web-store": {"sessions": [{**session, **more}]}}


_NQ, _NA = {"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}
NEXTCHAT: Cases = {
    "a name that is a number": (nextchat(_NQ, _NA, id=1680000000000), BOTH, {}),
    "a name that is a fraction": (nextchat(_NQ, _NA, id=1680000000000.25), BOTH, {}),
    "no name": (nextchat(_NQ, _NA, id=None), BOTH, {}),
    "a time as text": (nextchat(_NQ, _NA, lastUpdate="2023/11/14 22:15:00"), BOTH, {}),
    "a picture alone": (
        nextchat({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, _NA),
        ["1<0* u: ", ANSWERED],
        {"ATTACHMENT": 1},
    ),
    "an answer with calls": (nextchat(_NQ, {**_NA, "tools": [{"id": "1"}]}), BOTH, {"TOOL": 1}),
    "a message that is null": (nextchat(_NQ, None, _NA), BOTH, {}),
    "an answer that broke off empty": (nextchat(_NQ, {**_NA, "content": ""}), [ASKED], {}),
    "one session by itself": (
        {"messages": [{"role": "system", "content": "You are an assistant that T"}, _NQ, _NA]},
        BOTH,
        {},
    ),
    "one in a language that is not known": (
        {"messages": [{"role": "system", "content": "Tu es T"}, _NQ, _NA]},
        BOTH,
        {},
    ),
    "one without a topic": ({"messages": [_NQ, _NA]}, BOTH, {}),
}
