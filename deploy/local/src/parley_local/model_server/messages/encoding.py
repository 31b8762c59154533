"""An answer as the events of a message."""

from collections.abc import Sequence
from typing import Any

import orjson

from parley_local.model_server.encoding import escaped
from parley_local.model_server.messages.cache import PromptUsage
from parley_local.model_server.steps import Field
from parley_local.model_server.tokens import token_text

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}
_BLOCKS = {"content": ("text", b"text"), "reasoning_content": ("thinking", b"thinking")}
#: Statuses, and what an error of each is called.
ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_WHY = {
    "type": "refusal",
    "category": None,
    "explanation": "The scripted model does not speak of this.",
}


class MessageEncoder:
    """Stateful: a block is open, or none."""

    def __init__(
        self, message_id: str, model: str, usage: PromptUsage, *, shows_thinking: bool
    ) -> None:
        self._id = message_id
        self._model = model
        self._usage = usage
        self._shows_thinking = shows_thinking
        self._open: Field | None = None
        self._index = -1

    def greet(self) -> bytes:
        message: dict[str, object] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": self._usage.fresh,
                "cache_creation_input_tokens": self._usage.written,
                "cache_read_input_tokens": self._usage.read,
                "output_tokens": 1,
            },
        }
        return _event("message_start", {"message": message}) + _event("ping", {})

    def tokens(self, field: Field, start: int, stop: int) -> bytes:
        """Of tokens start … stop - 1."""
        return self.said(field, [token_text(i) for i in range(start, stop)])

    def said(self, field: Field, texts: Sequence[str]) -> bytes:
        """One delta for each text; nothing of thinking that was not asked for."""
        if field == "reasoning_content" and not self._shows_thinking:
            return b""
        head = b"" if self._open == field else self._close() + self._begin(field)
        name = _BLOCKS[field][1]
        delta = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
            b'{"type":"%b_delta","%b":"' % (self._index, name, name)
        )
        return head + b"".join([delta + escaped(text) + b'"}}\n\n' for text in texts])

    def raw(self, data: bytes) -> bytes:
        """As they are, but for an error, which is an event of this protocol."""
        if not data.startswith(b'data: {"error":'):
            return data
        error = orjson.loads(data[6:])["error"]
        known = error["type"] if error["type"] in ERRORS.values() else "api_error"
        return _event("error", {"error": {"type": known, "message": error["message"]}})

    def finish(self, reason: str, completion_tokens: int) -> bytes:
        stop = _STOP_REASONS.get(reason, reason)
        delta = {
            "stop_reason": stop,
            "stop_sequence": None,
            "stop_details": _WHY if stop == "refusal" else None,
        }
        usage = {"output_tokens": completion_tokens}
        return self._close() + _event("message_delta", {"delta": delta, "usage": usage})

    def done(self, completion_tokens: int) -> bytes:  # noqa: ARG002 - told before
        return _event("message_stop", {})

    def _begin(self, field: Field) -> bytes:
        self._open = field
        self._index += 1
        kind = _BLOCKS[field][0]
        block = {"type": kind, kind: ""} | ({"signature": ""} if kind == "thinking" else {})
        return _event("content_block_start", {"index": self._index, "content_block": block})

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        signature = b""
        if self._open == "reasoning_content":
            delta = {"type": "signature_delta", "signature": "c2NyaXB0ZWQ="}
            signature = _event("content_block_delta", {"index": self._index, "delta": delta})
        self._open = None
        return signature + _event("content_block_stop", {"index": self._index})


def error_body(status: int, message: str) -> dict[str, object]:
    """What an answer of this status has."""
    kind = ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_scripted",
    }


def _event(name: str, data: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), orjson.dumps({"type": name, **data}))
