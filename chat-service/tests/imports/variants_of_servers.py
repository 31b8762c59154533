"""Open WebUI's and LibreChat's, which run on servers."""

from typing import Any

from .variants_expected import ANSWERED, ASKED, BOTH, Cases


def webui(told: Any, current: Any = None, **more: Any) -> dict[str, Any]:
    """A chat of Open WebUI's."""
    history = {"messages": told, "currentId": current}
    return {"id": "w", "title": "T", "chat": {"title": "T", "history": history, **more}}


def webui_pair(**answer: Any) -> dict[str, Any]:
    return {
        "q": {"id": "q", "parentId": None, "role": "user", "content": "?", "timestamp": 1700000000},
        "a": {"id": "a", "parentId": "q", "role": "assistant", "content": "!", **answer},
    }


_WEBUI_LIST = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
OPEN_WEBUI: Cases = {
    "the oldest have a list": ({"id": "w", "chat": {"messages": _WEBUI_LIST}}, BOTH, {}),
    "a history that is empty beside a list": (webui({}, messages=_WEBUI_LIST), BOTH, {}),
    "no name": ({**webui(webui_pair(), "a"), "id": None}, BOTH, {}),
    "a list of parts": (
        webui(
            {
                "q": {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}},
                    ],
                }
            },
            "q",
        ),
        [ASKED],
        {"ATTACHMENT": 1},
    ),
    "a picture alone": (
        webui({"q": {"role": "user", "content": "", "files": [{"type": "image"}]}}, "q"),
        ["1<0* u: "],
        {"ATTACHMENT": 1},
    ),
    "an answer that is told beside the text alone": (
        webui(
            webui_pair(
                content="",
                output=[
                    {"type": "function_call", "name": "f"},
                    {"type": "message", "content": [{"type": "output_text", "text": "!"}]},
                ],
            ),
            "a",
        ),
        BOTH,
        {},
    ),
    "an error without a word": (
        webui(webui_pair(content="", error={"content": "429"}), "a"),
        [ASKED, "2<1* a: "],
        {},
    ),
    "a call of a tool with what it gave": (
        webui(
            webui_pair(
                content='<details type="tool_calls" done="true" name="f" arguments="&quot;{}&quot;" '
                'result="&lt;b&gt;">\n<summary>Tool Executed</summary>\n</details>\n!'
            ),
            "a",
        ),
        BOTH,
        {"TOOL": 1},
    ),
    "thinking that is still written": (
        webui(webui_pair(content='<details type="reasoning" done="false">\n!'), "a"),
        [ASKED, '2<1* a: <details type="reasoning" done="false">\n!'],
        {},
    ),
    "a message of the system": (
        webui(
            {
                "s": {"role": "system", "content": "Be brief."},
                "q": {"role": "user", "content": "?", "parentId": "s"},
            },
            "q",
        ),
        [ASKED],
        {"SYSTEM": 1},
    ),
    "a message that is null, and one without a role": (
        webui({**webui_pair(), "n": None, "x": {"parentId": "a", "content": "x"}}, "x"),
        BOTH,
        {"SYSTEM": 1},
    ),
    "answers of two models to one question": (
        webui(
            {
                **webui_pair(timestamp=1700000001),
                "b": {
                    "parentId": "q",
                    "role": "assistant",
                    "content": "!!",
                    "timestamp": 1700000002,
                },
                "r": {"parentId": "a", "role": "user", "content": "so?", "timestamp": 1700000003},
            },
            "r",
        ),
        [*BOTH, "3<1 a: !!", "4<2* u: so?"],
        {},
    ),
}


def libre(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"conversationId": "l", "title": "T", "messages": list(messages), **more}


def libre_message(key: str | None, parent: str | None, text: str, **more: Any) -> dict[str, Any]:
    return {
        "messageId": key,
        "parentMessageId": parent,
        "isCreatedByUser": not text.startswith("!"),
        "text": text,
        **more,
    }


_Q, _A = libre_message("q", None, "?"), libre_message("a", "q", "!")
LIBRECHAT: Cases = {
    "a parent that is null": (libre(_Q, _A), BOTH, {}),
    "no branches, and a parent that is not there": (
        libre(libre_message("q", "cut", "?"), _A, branches=False),
        BOTH,
        {},
    ),
    "two that bear one name": (
        libre(_Q, _A, libre_message("a", "q", "!!")),
        [*BOTH[:1], "2<1 a: !", "3<1* a: !!"],
        {},
    ),
    "no names at all": (
        libre(libre_message(None, None, "?"), libre_message(None, None, "!"), branches=False),
        BOTH,
        {},
    ),
    "no name of the conversation": (libre(_Q, _A, conversationId=None), BOTH, {}),
    "a tree of one beginning": (
        {
            "conversationId": "l",
            "recursive": True,
            "messagesTree": [{**_Q, "children": [{**_A, "parentMessageId": None}]}],
        },
        BOTH,
        {},
    ),
    "thinking, an error, a picture, another agent and a call": (
        libre(
            _Q,
            libre_message(
                "a",
                "q",
                "!",
                content=[
                    None,
                    {"type": "think", "think": "Hm."},
                    {"type": "agent_update", "agent_update": {"agentId": "x"}},
                    {"type": "text", "text": {"value": "!", "annotations": []}},
                    {"type": "image_file", "image_file": {"filepath": "/x"}},
                    {"type": "tool_call", "tool_call": {"type": "code_interpreter"}},
                ],
            ),
        ),
        BOTH,
        {"ATTACHMENT": 1, "TOOL": 1},
    ),
    "an error alone": (
        libre(_Q, libre_message("a", "q", "!", content=[{"type": "error", "error": "429"}])),
        [ASKED, "2<1* a: 429"],
        {},
    ),
    "a picture alone": (
        libre(libre_message("q", None, "", files=[{"file_id": "x"}]), _A),
        ["1<0* u: ", ANSWERED],
        {"ATTACHMENT": 1},
    ),
    "a circle": (
        libre(_Q, libre_message("x", "y", "x"), libre_message("y", "x", "y")),
        [ASKED],
        {"NOT_IN_THE_TREE": 2},
    ),
}
