"""Examples of a turn: its run, its question and its answer."""

from typing import Any

A_RUN: dict[str, Any] = {
    "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e09",
    "session_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0a",
    "question_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0b",
    "answer_id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0c",
    "status": "completed",
    "reason": None,
    "provider": "openai",
    "model": "demo",
    "finish_reason": "stop",
    "parameters": {
        "temperature": 0.7,
        "max_tokens": 2048,
        **dict.fromkeys(("top_p", "stop", "reasoning_effort")),
    },
    "can_continue": False,
    "last_seq": 42,
    "usage": {
        "prompt_tokens": 12,
        "completion_tokens": 38,
        "cached_tokens": None,
        "reasoning_tokens": None,
    },
    "adapted": [],
    "cache": "off",
    "created_at": "2026-11-02T09:34:00Z",
    "ended_at": "2026-11-02T09:34:03Z",
    "fallback": None,
}
A_QUESTION: dict[str, Any] = {
    "id": A_RUN["question_id"],
    "session_id": A_RUN["session_id"],
    "role": "user",
    "content": "What is Parley?",
    "order": 1,
    **dict.fromkeys(("run_id", "status", "reason", "finish_reason", "can_continue")),
    **dict.fromkeys(("provider", "model", "parameters", "adapted", "reasoning", "usage")),
    "cached": None,
    "parent_id": None,
    "chosen": True,
    "variants": {"index": 0, "ids": [A_RUN["question_id"]]},
    "attachments": [
        {
            "id": "01930f4e-1c5a-7b3e-9d21-6f0a8c2b4e0d",
            "name": "plan.pdf",
            "kind": "pdf",
            "size": 48213,
            "deleted": False,
        }
    ],
    "created_at": "2026-11-02T09:34:00Z",
    "fallback": None,
}
AN_ANSWER: dict[str, Any] = {
    **A_QUESTION,
    "id": A_RUN["answer_id"],
    "role": "assistant",
    "content": "A chat platform of your own.",
    "order": 2,
    "run_id": A_RUN["id"],
    **{name: A_RUN[name] for name in ("status", "reason", "finish_reason", "can_continue")},
    **{name: A_RUN[name] for name in ("provider", "model", "parameters", "adapted", "usage")},
    "reasoning": "",
    "cached": False,
    "parent_id": A_RUN["question_id"],
    "variants": {"index": 0, "ids": [A_RUN["answer_id"]]},
    "attachments": [],
    "created_at": "2026-11-02T09:34:03Z",
}
