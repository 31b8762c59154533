"""Exports as other applications write them, made after their sources: a few conversations each."""

import io
import json
import zipfile
from typing import Any


def chatgpt_node(
    key: str, parent: str | None, role: str | None, text: str = "", **more: Any
) -> dict[str, Any]:
    """One node of ChatGPT's mapping; `more` is of its message."""
    message = None
    if role is not None:
        message = {
            "id": key,
            "author": {"role": role, "name": None, "metadata": {}},
            "create_time": more.pop("at", 1756000001.0),
            "content": more.pop("content", {"content_type": "text", "parts": [text]}),
            "status": more.pop("status", "finished_successfully"),
            "metadata": more.pop("metadata", {}),
            "recipient": more.pop("recipient", "all"),
            **more,
        }
    return {"id": key, "message": message, "parent": parent, "children": []}


def chatgpt(*nodes: dict[str, Any], current: str, key: str = "c-1", **more: Any) -> dict[str, Any]:
    return {
        "title": "Deploying",
        "create_time": 1756000000.5,
        "update_time": 1756000400.5,
        "mapping": {node["id"]: node for node in nodes},
        "current_node": current,
        "conversation_id": key,
        "id": key,
        **more,
    }


CHATGPT = [
    chatgpt(
        chatgpt_node("root", None, None),
        chatgpt_node(
            "context", "root", "user", metadata={"is_visually_hidden_from_conversation": True}
        ),
        chatgpt_node("q1", "context", "user", "How do I roll back?", at=1756000001.0),
        chatgpt_node(
            "think",
            "q1",
            "assistant",
            content={
                "content_type": "thoughts",
                "thoughts": [{"summary": "Thinking", "content": "Helm can."}],
            },
        ),
        chatgpt_node("a1", "think", "assistant", "Try `helm`.", at=1756000002.0),
        chatgpt_node(
            "a2",
            "q1",
            "assistant",
            "Run `helm rollback`.",
            at=1756000003.0,
            metadata={"model_slug": "o4-mini", "finish_details": {"type": "stop"}},
        ),
        chatgpt_node("q2", "a2", "user", "And then?", at=1756000004.0),
        chatgpt_node(
            "call",
            "q2",
            "assistant",
            "print(1)",
            at=1756000005.0,
            recipient="python",
            content={"content_type": "code", "text": "print(1)"},
        ),
        chatgpt_node("tool", "call", "tool", "1", at=1756000006.0),
        chatgpt_node("a3", "tool", "assistant", "Restore ", at=1756000007.0, status="in_progress"),
        current="a3",
        is_archived=True,
    ),
    {"title": "Corrupted", "conversation_id": "c-2", "create_time": 1756000500.0, "mapping": None},
    chatgpt(
        chatgpt_node("only", None, "user", "Hello?", at=None), current="only", key="c-3", title=None
    ),
]

OPEN_WEBUI = [
    {
        "id": "w-1",
        "title": "Reckoning",
        "chat": {
            "models": ["deepseek-r1"],
            "system": "Be exact.",
            "history": {
                "currentId": "a2",
                "messages": {
                    "q1": {
                        "id": "q1",
                        "parentId": None,
                        "childrenIds": ["a1", "a2"],
                        "role": "user",
                        "content": "15 * 17?",
                        "timestamp": 1700000000,
                        "files": [{"type": "image"}],
                    },
                    "a1": {
                        "id": "a1",
                        "parentId": "q1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": '<details type="reasoning" done="true"><summary>Thought</summary>\n'
                        "&gt; 15 * 17 = 255</details>\n255",
                        "model": "deepseek-r1",
                        "timestamp": 1700000010,
                        "done": True,
                        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
                    },
                    "a2": {
                        "id": "a2",
                        "parentId": "q1",
                        "childrenIds": [],
                        "role": "assistant",
                        "content": '<details type="tool_calls"><summary>x</summary>y</details>It is 255.',
                        "model": "gpt",
                        "timestamp": 1700000020,
                        "done": True,
                        "output": [
                            {
                                "type": "reasoning",
                                "content": [{"type": "output_text", "text": "Hm."}],
                            }
                        ],
                    },
                },
            },
        },
        "created_at": 1700000000,
        "updated_at": 1700000020,
        "archived": False,
        "pinned": True,
    }
]

LIBRECHAT = {
    "conversationId": "l-1",
    "endpoint": "openAI",
    "title": "A story",
    "exportAt": "08:12:16 GMT-0400 (Eastern Daylight Time)",
    "branches": True,
    "recursive": False,
    "options": {"model": "gpt-4o", "promptPrefix": "You tell stories."},
    "messages": [
        {
            "messageId": "m1",
            "parentMessageId": "00000000-0000-0000-0000-000000000000",
            "createdAt": "2024-05-28T18:08:55.014Z",
            "isCreatedByUser": True,
            "sender": "User",
            "text": "tell me a story",
            "model": None,
        },
        {
            "messageId": "m2",
            "parentMessageId": "m1",
            "createdAt": "2024-05-28T18:08:56.000Z",
            "isCreatedByUser": False,
            "text": "Once",
            "model": "gpt-4o",
            "unfinished": True,
            "finish_reason": "incomplete",
        },
        {
            "messageId": "m3",
            "parentMessageId": "m1",
            "createdAt": "2024-05-28T18:09:27.444Z",
            "isCreatedByUser": False,
            "model": "gpt-4o",
            "error": False,
            "content": [
                {"type": "think", "think": "A long one."},
                {"type": "text", "text": "Once upon a time"},
                {"type": "tool_call", "tool_call": {}},
            ],
        },
    ],
}


def librechat_recursive(depth: int) -> bytes:
    """Each message holds the one that follows it, deeper than Python writes JSON by itself."""
    file = '{"conversationId": "l-2", "title": "Deep", "branches": true, "recursive": true, "messagesTree": ['
    for number in range(1, depth + 1):
        told = {
            "messageId": f"m{number}",
            "createdAt": "2024-05-28T18:08:55.014Z",
            "isCreatedByUser": number % 2 == 1,
            "text": f"message {number}",
        }
        file += json.dumps(told)[:-1] + ', "children": ['
    return (file + "]}" * depth + "]}").encode()


NEXTCHAT = {
    "chat-next-web-store": {
        "sessions": [
            {
                "id": "n-1",
                "topic": "天气",
                "memoryPrompt": "",
                "lastUpdate": 1700000100000,
                "mask": {"context": [{"role": "system", "content": "你是助手。"}]},
                "messages": [
                    {"id": "1", "date": "2023/11/14 22:13:20", "role": "user", "content": "你好"},
                    {
                        "id": "2",
                        "date": "11/14/2023, 10:13:30 PM",
                        "role": "assistant",
                        "content": "你好！",
                        "model": "gpt-4o-mini",
                    },
                    {
                        "id": "3",
                        "date": "2023/11/14 22:14:00",
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "看图"},
                            {"type": "image_url", "image_url": {"url": "data:,"}},
                        ],
                    },
                    {
                        "id": "4",
                        "date": "2023/11/14 22:14:10",
                        "role": "assistant",
                        "content": "出错了",
                        "isError": True,
                    },
                ],
            },
            {"id": "n-2", "topic": "空", "messages": [], "lastUpdate": 1700000100000},
        ],
        "currentSessionIndex": 0,
    },
    "access-control": {"accessCode": "secret", "openaiApiKey": "sk-secret"},
    "app-config": {"theme": "auto"},
}

_PAGES = {
    "assistants": json.dumps(
        {
            "assistants": [
                {
                    "topics": [
                        {"id": "t-1", "name": "Rivers", "createdAt": "2025-05-01T10:00:00.000Z"}
                    ]
                }
            ]
        }
    )
}
CHERRY_STUDIO = {
    "time": 1746093600000,
    "version": 5,
    "localStorage": {"persist:cherry-studio": json.dumps(_PAGES)},
    "indexedDB": {
        "files": [],
        "topics": [
            {
                "id": "t-1",
                "messages": [
                    {
                        "id": "u1",
                        "role": "user",
                        "createdAt": "2025-05-01T10:00:01.000Z",
                        "status": "success",
                        "blocks": ["b1"],
                    },
                    {
                        "id": "s1",
                        "role": "assistant",
                        "askId": "u1",
                        "status": "success",
                        "createdAt": "2025-05-01T10:00:02.000Z",
                        "blocks": ["b2", "b3"],
                        "model": {"id": "deepseek-chat", "name": "DeepSeek"},
                        "foldSelected": True,
                        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
                    },
                    {
                        "id": "s2",
                        "role": "assistant",
                        "askId": "u1",
                        "status": "paused",
                        "createdAt": "2025-05-01T10:00:03.000Z",
                        "blocks": ["b4"],
                        "modelId": "qwen",
                    },
                    {
                        "id": "u2",
                        "role": "user",
                        "createdAt": "2025-05-01T10:00:04.000Z",
                        "status": "success",
                        "blocks": ["b5", "b6", "gone"],
                    },
                ],
            }
        ],
        "message_blocks": [
            {"id": "b1", "messageId": "u1", "type": "main_text", "content": "The Nile?"},
            {"id": "b2", "messageId": "s1", "type": "thinking", "content": "A river."},
            {"id": "b3", "messageId": "s1", "type": "main_text", "content": "It is long."},
            {"id": "b4", "messageId": "s2", "type": "main_text", "content": "6,650 km"},
            {"id": "b5", "messageId": "u2", "type": "main_text", "content": "And this?"},
            {"id": "b6", "messageId": "u2", "type": "image", "url": "data:,"},
        ],
    },
}


def zipped(**members: Any) -> bytes:
    """Names with a double underscore for their dot; values as JSON."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in members.items():
            archive.writestr(name.replace("__", "."), json.dumps(value))
    return file.getvalue()


PARLEY = {
    "format": "parley",
    "version": 1,
    "conversations": [
        {
            "id": "one",
            "title": "Ours",
            "created_at": "2026-11-02T09:34:00Z",
            "messages": [
                {
                    "order": 1,
                    "parent": None,
                    "chosen": True,
                    "role": "user",
                    "content": "Tea?",
                    "created_at": "2026-11-02T09:34:00Z",
                    "attachments": [{"id": "0192", "name": "a.png", "kind": "png", "size": 3}],
                }
            ],
        }
    ],
}


FILE_KEY = "01940000-0000-7000-8000-00000000000a"


def our_zip(document: str = "parley-2026-11-27.json", also: str = "") -> bytes:
    """Our export with files, of which one is an export of others."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(document, json.dumps(PARLEY))
        archive.writestr("files/0192-conversations.json", json.dumps(CHATGPT))
        archive.writestr(also or f"files/{FILE_KEY}-x", b"png")
        archive.writestr("files.json", json.dumps({"files": 2, "lost": []}))
    return file.getvalue()
