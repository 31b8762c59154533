"""Behaviours of model servers that people have met, by kind, and what each has to come to.

One is a line: its name, what goes over the wire, and the outcome.
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from parley_local.model_server.steps import Act, HalfClose, Hold, Pause, Reset


@dataclass(frozen=True)
class Outcome:
    """What is kept and told; ``says`` is part of what the user is told, ``retry_after`` in seconds."""

    text: str = ""
    thinking: str = ""
    status: str = "completed"
    reason: str | None = None
    finish: str | None = None
    usage: tuple[int, int] | None = None
    says: str = ""
    retry_after: int | None = None


@dataclass(frozen=True)
class Case:
    name: str
    acts: tuple[Act, ...]
    outcome: Outcome
    provider: str = "openai"


def head(content_type: str = "text/event-stream", status: str = "200 OK", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", *more]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def event(value: Any) -> bytes:
    return b"data: " + (value if isinstance(value, bytes) else dumps(value)) + b"\n\n"


def delta(finish: Any = None, **said: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


def say(text: str, **more: Any) -> bytes:
    return event({**delta(content=text), **more})


DONE = b"data: [DONE]\n\n"
STOP = event(delta("stop"))
END = STOP + DONE
HI = Outcome("hi", finish="stop")
KEPT = Outcome("hi", status="failed", reason="PROVIDER_FAILED")


def sse(name: str, body: bytes, outcome: Outcome = HI) -> Case:
    return Case(name, (head(), body), outcome)


def served(name: str, content_type: str, body: bytes, outcome: Outcome = HI, *more: str) -> Case:
    return Case(name, (head(content_type, "200 OK", *more), body), outcome)


def wire(name: str, *acts: Act, outcome: Outcome = HI) -> Case:
    return Case(name, (head(), *acts), outcome)


def failed(reason: str, says: str = "", text: str = "", **more: Any) -> Outcome:
    return Outcome(text, status="failed", reason=f"PROVIDER_{reason}", says=says, **more)


def refused(status: int, body: Any, outcome: Outcome, *more: str) -> Case:
    data = body if isinstance(body, bytes) else dumps(body)
    kind = "text/html" if data.startswith(b"<") else "application/json"
    name = f"{status} {data[:60]!r} {more}"
    return Case(name, (head(kind, f"{status} Whatever", *more), data), outcome)


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


def compact(value: Any) -> bytes:
    return b"data:" + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


_HI = say("hi")
_BOTH = _HI + END
_LONG = "x" * 1_000_000

FRAMING = [
    sse("the usual", _BOTH),
    sse("CRLF", _BOTH.replace(b"\n", b"\r\n")),
    sse("CR", _BOTH.replace(b"\n", b"\r")),
    sse("mixed ends of lines", say("h") + say("i").replace(b"\n", b"\r\n") + END),
    sse("no space behind the colon", compact(delta(content="hi")) + END),
    sse("a byte order mark", b"\xef\xbb\xbf" + _BOTH),
    sse("blank lines before", b"\n\n" + _BOTH),
    sse("comments", b": OPENROUTER PROCESSING\n\n" + _HI + b": ping\n" + END),
    sse("ids and retries", b"id: 1\nretry: 10\n" + _HI + b"id: 2\n" + END),
    sse("names of events", b"event: message\n" + _HI + b"event: chunk\n" + END),
    sse("a name behind the data", _HI[:-1] + b"event: message\n\n" + END),
    sse("an unknown field", b"x: y\n" + _BOTH),
    sse("one blank line fewer", (_HI + STOP).replace(b"\n\n", b"\n") + DONE),
    sse(
        "pretty JSON over several data lines",
        b"".join(
            b"data: " + line.encode() + b"\n"
            for line in json.dumps(delta(content="hi"), indent=1).split("\n")
        )
        + b"\n"
        + END,
    ),
    sse("no blank line at the end", _HI + STOP[:-1]),
    sse("no end of the last line", _HI + STOP[:-2]),
    sse("[DONE] without its end", _HI + b"data: [DONE]", Outcome("hi")),
    sse("empty data", b"data:\n\n" + _BOTH),
    sse("data without a colon", b"data\n\n" + _BOTH),
    sse("a line of a megabyte and more", say(_LONG) + END, Outcome(_LONG, finish="stop")),
    wire("byte by byte", *[act for byte in _BOTH for act in (bytes([byte]), Pause(0.0002))]),
    wire("cut between CR and LF", _HI[:-1] + b"\r", Pause(0.01), b"\n\r\n" + END),
    sse("what stands behind [DONE]", _BOTH + say("no"), HI),
    sse("half an event at the end", _HI + b'data: {"choi', Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    sse("nothing but comments", b": ping\n\n", failed("ENDED_EARLY")),
]  # fmt: skip

_WHOLE = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}  # fmt: skip
_READ = Outcome("hi", finish="stop", usage=(3, 4))
_OLLAMA = [
    {"message": {"role": "assistant", "content": "h"}, "done": False},
    {"message": {"role": "assistant", "content": "i"}, "done": False},
    {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 4},
]
_JSON = "application/json"
BODIES = [
    served("a whole document", _JSON, dumps(_WHOLE), _READ),
    served("a whole document, pretty", _JSON, json.dumps(_WHOLE, indent=2).encode(), _READ),
    served("a whole document called events", "text/event-stream", dumps(_WHOLE), _READ),
    served("a whole document without a type", "", dumps(_WHOLE), _READ),
    served("a whole document with a mark", _JSON, b"\xef\xbb\xbf \n" + dumps(_WHOLE), _READ),
    served("events called JSON", _JSON, _BOTH),
    served("events called text", "text/plain; charset=utf-8", _BOTH),
    served("events without a type", "", _BOTH),
    sse("a whole document as an event", event(_WHOLE), _READ),
    served("parts in a document", _JSON, dumps({"choices": [{"message": {"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}]}, "finish_reason": "stop"}]}), Outcome("hi", "hm", finish="stop")),
    served("reasoning in a document", _JSON, dumps({"choices": [{"message": {"content": "hi", "reasoning_content": "hm"}, "finish_reason": "stop"}]}), Outcome("hi", "hm", finish="stop")),
    served("a document without a finish reason", _JSON, dumps({"choices": [{"message": {"content": "hi"}}]}), Outcome("hi")),
    served("a document with an empty answer", _JSON, dumps({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}), failed("EMPTY", finish="stop")),
    served("a document without choices", _JSON, b'{"object":"chat.completion","choices":[]}', failed("ENDED_EARLY")),
    served("half a document", _JSON, dumps(_WHOLE)[:60], failed("GARBLED")),
    served("an error in a 200", _JSON, dumps(error("Broken.", type="server_error")), failed("FAILED", "Broken.")),
    served("an error in a list", _JSON, dumps([error("API key not valid.", code=400, status="INVALID_ARGUMENT")]), failed("UNAUTHORIZED", "API key not valid.")),
    served("a rate limit in a 200", _JSON, dumps(error("Slow down.", code=429)), failed("RATE_LIMITED", "Slow down.")),
    served("lines of chunks", "application/x-ndjson", b"".join(dumps(one) + b"\n" for one in (delta(content="h"), delta(content="i"), delta("stop")))),
    served("lines of Ollama's", "application/x-ndjson", b"".join(dumps(one) + b"\n" for one in _OLLAMA), _READ),
    served("lines of Ollama's, the end missing", "application/x-ndjson", b"".join(dumps(one) + b"\n" for one in _OLLAMA[:2]), Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    served("a line cut in its middle", "application/x-ndjson", dumps(delta(content="hi")) + b'\n{"cho', Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    served("an error on a line", "application/x-ndjson", dumps(delta(content="hi")) + b'\n{"error":"Out of memory."}\n', failed("FAILED", "Out of memory.", text="hi")),
    served("an error line among events", "text/event-stream", _HI + b'{"error":{"message":"Gone."}}\n', failed("FAILED", "Gone.", text="hi")),
    served("a page", "text/html", b"<!doctype html><html><title>Sign in</title></html>", failed("GARBLED", "Sign in")),
    served("a page called events", "text/event-stream", b"<html><body>no", failed("GARBLED", "no")),
    served("text", "text/plain", b"It works!", failed("GARBLED", "It works!")),
    served("nothing", "text/event-stream", b"", failed("GARBLED", "nothing in it")),
    Case("204", (b"HTTP/1.1 204 No Content\r\n\r\n",), failed("GARBLED", "nothing in it")),
    served("gzip", "text/event-stream", gzip.compress(_BOTH, mtime=0), HI, "Content-Encoding: gzip"),
    served("two gzips", "text/event-stream", gzip.compress(_HI, mtime=0) + gzip.compress(END, mtime=0), HI, "Content-Encoding: gzip"),
    served("deflate", "text/event-stream", zlib.compress(_BOTH), HI, "Content-Encoding: deflate"),
    served("raw deflate", "text/event-stream", zlib.compress(_BOTH)[2:-4], HI, "Content-Encoding: deflate"),
    served("gzip of a document", _JSON, gzip.compress(dumps(_WHOLE), mtime=0), _READ, "Content-Encoding: gzip"),
    served("brotli", "text/event-stream", b"\x0b\x02\x80", failed("GARBLED", "(br)"), "Content-Encoding: br"),
    served("identity, said", "text/event-stream", _BOTH, HI, "Content-Encoding: identity"),
    served("a header of 20 KB", "text/event-stream", _BOTH, HI, "X-Policy: " + "a" * 20_000),
]  # fmt: skip


def chunk(name: str, *values: Any, outcome: Outcome = HI) -> Case:
    return sse(name, b"".join(map(event, values)) + END, outcome)


_H, _I = delta(content="h"), delta(content="i")
_THOUGHT = Outcome("hi", "hm", finish="stop")
_DELTA_HI = delta(content="hi")
SHAPES = [
    chunk("no choices", {"id": "1"}, _DELTA_HI),
    chunk("null choices", {"choices": None}, _DELTA_HI),
    chunk("empty choices", {"choices": [], "prompt_filter_results": []}, _DELTA_HI),
    chunk("role alone", delta(role="assistant"), _DELTA_HI),
    chunk("nulls everywhere", {"id": None, "choices": [{"index": None, "delta": {"role": None, "content": "hi", "refusal": None, "tool_calls": None}, "logprobs": None, "finish_reason": None}], "usage": None, "error": None}),
    chunk("null delta", {"choices": [{"index": 0, "delta": None}]}, _DELTA_HI),
    chunk("ping as null", b"null", _DELTA_HI),
    chunk("ping as an empty object", b"{}", _DELTA_HI),
    chunk("ping as a type", {"type": "ping"}, _DELTA_HI),
    chunk("ping as a word", b"ping", _DELTA_HI),
    sse("ping as an event", b"event: ping\ndata: {}\n\n" + _BOTH),
    sse("an event of somebody's own", b'event: metrics\ndata: {"speed":3}\n\n' + _BOTH),
    sse("an event of somebody's own in no JSON", b"event: status\ndata: thinking hard\n\n" + _BOTH),
    chunk("parts", delta(content=[{"type": "text", "text": "h"}, {"type": "text", "text": "i"}])),
    chunk("a part alone", delta(content={"type": "text", "text": "hi"})),
    chunk("a number", delta(content=7), outcome=Outcome("7", finish="stop")),
    chunk("zero", delta(content=0), outcome=Outcome("0", finish="stop")),
    chunk("a refusal", delta(refusal="I will not."), outcome=Outcome("I will not.", finish="content_filter")),
    chunk("a message in a chunk", {"choices": [{"message": {"content": "hi"}}]}),
    chunk("messages in chunks", {"choices": [{"message": {"content": "h"}}]}, {"choices": [{"message": {"content": "i"}}]}),
    chunk("the whole once more at the end", _H, _I, {"object": "chat.completion", "choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}),
    chunk("text", {"choices": [{"text": "hi", "index": 0}]}),
    chunk("a second choice", _H, {"choices": [{"index": 1, "delta": {"content": "x"}}]}, _I),
    chunk("choices out of order", {"choices": [{"index": 1, "delta": {"content": "x"}}, {"index": 0, "delta": {"content": "hi"}}]}),
    chunk("a choice that is no list", {"choices": {"delta": {"content": "hi"}}}),
    chunk("two documents in one event", dumps(_H) + b" " + dumps(_I)),
    chunk("a list of chunks", [_H, _I]),
    chunk("the same id for all", {**_H, "id": "1"}, {**_I, "id": "1"}),
    chunk("logprobs", {"choices": [{"index": 0, "delta": {"content": "hi"}, "logprobs": {"content": [{"token": "hi"}]}}]}),
    *(chunk(f"thinking in {name}", delta(**{name: "hm"}), _DELTA_HI, outcome=_THOUGHT) for name in ("reasoning_content", "reasoning", "reasoning_text", "thinking")),
    chunk("thinking in an object", delta(reasoning={"text": "hm"}), _DELTA_HI, outcome=_THOUGHT),
    chunk("thinking in an object's content", delta(reasoning={"content": "hm"}), _DELTA_HI, outcome=_THOUGHT),
    chunk("thinking in details", delta(reasoning_details=[{"type": "reasoning.text", "text": "hm"}]), _DELTA_HI, outcome=_THOUGHT),
    chunk("thinking in a summary", delta(reasoning_details=[{"type": "reasoning.summary", "summary": "hm"}]), _DELTA_HI, outcome=_THOUGHT),
    chunk("thinking said twice", delta(reasoning="hm", reasoning_details=[{"type": "reasoning.text", "text": "hm"}]), _DELTA_HI, outcome=_THOUGHT),
    chunk("thinking said three times", delta(reasoning="hm", reasoning_content="hm"), _DELTA_HI, outcome=_THOUGHT),
    chunk("thinking in parts", delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]), _DELTA_HI, outcome=_THOUGHT),
    chunk("thinking and text in one delta", delta(reasoning_content="hm", content="hi"), outcome=_THOUGHT),
    chunk("tags", delta(content="<think>hm</think>hi"), outcome=_THOUGHT),
    chunk("tags letter by letter", *(delta(content=letter) for letter in "\n<think>hm</think>\n\nhi"), outcome=_THOUGHT),
    chunk("a tag without its end", delta(content="<think>hm"), outcome=Outcome("", "hm", "failed", "PROVIDER_THOUGHT_ONLY", "stop")),
    chunk("a tag in mid-text", delta(content="hi <think>"), outcome=Outcome("hi <think>", finish="stop")),
    chunk("what only begins like a tag", delta(content="<thi"), delta(content="s>"), outcome=Outcome("<this>", finish="stop")),
    chunk("half a tag at the end", delta(content="<thi"), outcome=Outcome("<thi", finish="stop")),
    chunk("a pair over two chunks", b'{"choices":[{"delta":{"content":"\\ud83d"}}]}', b'{"choices":[{"delta":{"content":"\\ude00"}}]}', outcome=Outcome("\U0001f600", finish="stop")),
    chunk("half a pair", b'{"choices":[{"delta":{"content":"a\\ud83d"}}]}', outcome=Outcome("a\ufffd", finish="stop")),
    chunk("UTF-8 over two chunks", b'{"choices":[{"delta":{"content":"\xe4\xbd"}}]}', b'{"choices":[{"delta":{"content":"\xa0"}}]}', outcome=Outcome("你", finish="stop")),
    chunk("broken UTF-8", b'{"choices":[{"delta":{"content":"a\xffb"}}]}', outcome=Outcome("a\ufffdb", finish="stop")),
    wire("UTF-8 cut by the socket", say("x").replace(b"x", b"\xe4"), b"", outcome=Outcome("\ufffd", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
]  # fmt: skip

ERRORS = [
    sse("an object", _HI + event(error("Broken.")), failed("FAILED", "Broken.", text="hi")),
    sse("a string", _HI + event({"error": "Broken."}), failed("FAILED", "Broken.", text="hi")),
    sse("beside choices", event({**_DELTA_HI, **error("Broken.")}), failed("FAILED", "Broken.", text="hi")),
    sse("beside empty choices", _HI + event({"choices": [], **error("Broken.")}), failed("FAILED", "Broken.", text="hi")),
    sse("in an event of that name", _HI + b'event: error\ndata: {"message":"Broken."}\n\n', failed("FAILED", "Broken.", text="hi")),
    sse("in an event of that name, in no JSON", _HI + b"event: error\ndata: Broken.\n\n", failed("FAILED", "Broken.", text="hi")),
    sse("in a choice", _HI + event({"choices": [{"error": {"message": "Broken.", "code": 502}}]}), failed("FAILED", "Broken.", text="hi")),
    sse("as a finish reason", _HI + event(delta("error")), failed("FAILED", text="hi")),
    sse("as a finish reason, with an object", event({**delta("error", content="hi"), **error("Broken.")}), failed("FAILED", "Broken.", text="hi")),
    sse("as a detail", event({"detail": "Broken."}), failed("FAILED", "Broken.")),
    sse("as details", event({"detail": [{"loc": ["body", "model"], "msg": "field required", "type": "missing"}]}), failed("PARAMETER_REFUSED", "model: field required")),
    sse("as message and code", event({"message": "Broken.", "code": 500}), failed("FAILED", "Broken.")),
    sse("as a type", event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), failed("OVERLOADED", "Overloaded")),
    sse("as vLLM says it", event({"object": "error", "message": "Broken.", "code": 400, "type": "BadRequestError"}), failed("REFUSED", "Broken.")),
    sse("as MiniMax says it", event({"base_resp": {"status_code": 1004, "status_msg": "Broken."}}), failed("FAILED", "Broken.")),
    sse("of another server's", event(error("Provider returned error", code=429, metadata={"raw": '{"error":{"message":"Slow down."}}'})), failed("RATE_LIMITED", "Provider returned error: Slow down.")),
    sse("in words", event(b"Error: rate limit exceeded"), failed("RATE_LIMITED", "rate limit exceeded")),
    sse("as broken JSON", _HI + b"data: {not json\n\n" + END, failed("GARBLED", text="hi")),
    sse("insufficient resources", _HI + event(delta("insufficient_system_resource")), failed("OVERLOADED", text="hi")),
]  # fmt: skip


def ended(name: str, finish: Any, text: str, outcome: Outcome) -> Case:
    return sse(name, (say(text) if text else b"") + event(delta(finish)) + DONE, outcome)


_PINGS: list[Act] = [Pause(0.02), b": ping\n\n"] * 20
ENDS = [
    *(ended(f"{word} is stop", word, "hi", HI) for word in ("end_turn", "stop_sequence", "eos", "STOP")),
    *(ended(f"{word} is length", word, "hi", Outcome("hi", finish="length")) for word in ("length", "max_tokens", "MAX_TOKENS", "model_length")),
    *(ended(f"{word} is content_filter", word, "hi", Outcome("hi", finish="content_filter")) for word in ("content_filter", "SAFETY")),
    *(ended(f"{word!r} is no finish reason", word, "hi", Outcome("hi")) for word in ("", "null", None)),
    ended("another word", "eager", "hi", Outcome("hi", finish="other")),
    ended("aborted", "abort", "hi", Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    ended("no text", "stop", "", failed("EMPTY", "answered nothing", finish="stop")),
    ended("blank text", "stop", " \n", failed("EMPTY", text=" \n", finish="stop")),
    ended("no text, no tokens left", "length", "", failed("EMPTY", "max_tokens", finish="length")),
    ended("refused without a word", "content_filter", "", failed("CONTENT_REFUSED", finish="content_filter")),
    ended("a tool without a word", "tool_calls", "", failed("CALLED_TOOL", finish="tool_calls")),
    ended("a tool behind text", "tool_calls", "hi", Outcome("hi", finish="tool_calls")),
    sse("thinking alone", event(delta(reasoning="hm")) + END, Outcome("", "hm", "failed", "PROVIDER_THOUGHT_ONLY", "stop")),
    sse("thinking cut by its length", event(delta(reasoning="hm")) + event(delta("length")) + DONE, Outcome("", "hm", "interrupted", "PROVIDER_THOUGHT_ONLY", "length")),
    sse("[DONE] without a finish reason", _HI + DONE, Outcome("hi")),
    sse("[DONE] alone", DONE, failed("EMPTY")),
    sse("a finish reason without [DONE]", _HI + STOP),
    sse("a finish reason with the last text", event(delta("stop", content="hi"))),
    sse("neither", _HI, Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    sse("an end that has a name", _HI + b"event: done\ndata: {}\n\n", Outcome("hi")),
    sse("an error behind the finish", _HI + STOP + event(error("Late."))),
    sse("garbage behind the finish", _HI + STOP + event(b"{nonsense")),
    sse("text behind the finish", say("h") + STOP + say("i") + DONE),
    sse("stop in every chunk", event(delta("stop", content="h")) + event(delta("stop", content="i"))),
    wire("a reset behind the finish", _HI + STOP, Pause(0.01), Reset()),
    wire("silence behind the finish", _HI + STOP, Hold()),
    wire("pings behind the finish", _HI + STOP, *_PINGS, Hold()),
    wire("half a close behind the finish", _HI + STOP, HalfClose()),
    wire("usage a moment behind the finish", _HI + STOP, Pause(0.02), event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}) + DONE, outcome=_READ),
    Case("a reset in mid-answer", (head("text/event-stream", "200 OK", "Transfer-Encoding: chunked"), b"%x\r\n%b\r\n" % (len(_HI), _HI), Pause(0.01), Reset()), Outcome("hi", status="failed", reason="PROVIDER_BROKE")),
    wire("a reset of a body that ends with its connection", _HI, Pause(0.01), Reset(), outcome=Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    wire("half a close in mid-answer", _HI, HalfClose(), outcome=Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    Case("a length that is not kept", (head("text/event-stream", "200 OK", "Content-Length: 10000"), _HI), Outcome("hi", status="failed", reason="PROVIDER_BROKE")),
    Case("a length that is not kept, behind the finish", (head("text/event-stream", "200 OK", "Content-Length: 10000"), _HI + STOP), HI),
    Case("no answer", (), failed("UNREACHABLE", "closed the connection")),
    Case("no HTTP", (b"SSH-2.0-OpenSSH_9.6\r\n",), failed("GARBLED", "HTTP")),
    Case("interim answers", (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", head(), _BOTH), HI),
    Case("201", (head("text/event-stream", "201 Created"), _BOTH), HI),
]  # fmt: skip


def used(name: str, **last: Any) -> Case:
    return sse(f"usage {name}", _HI + STOP + event({"choices": [], **last}) + DONE, _READ)


_TOKENS = {"prompt_tokens": 3, "completion_tokens": 4}
USAGE = [
    used("at the top", usage=_TOKENS),
    used("in floats", usage={"prompt_tokens": 3.0, "completion_tokens": 4.0}),
    used("in text", usage={"prompt_tokens": "3", "completion_tokens": "4"}),
    used("of Groq", x_groq={"usage": _TOKENS}),
    used("in others' words", usage={"input_tokens": 3, "output_tokens": 4}),
    used("with details", usage={**_TOKENS, "completion_tokens_details": {"reasoning_tokens": 1}}),
    used("with timings", usage=_TOKENS, timings={"predicted_ms": 1.5}),
    sse("usage in a choice", _HI + event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": _TOKENS}]}) + DONE, _READ),
    sse("usage in each chunk", say("h", usage={"prompt_tokens": 3, "completion_tokens": 1}) + say("i", usage=_TOKENS) + END, _READ),
    sse("usage without choices", _HI + STOP + event({"usage": _TOKENS}) + DONE, _READ),
    sse("usage null", say("hi", usage=None) + END, HI),
    sse("usage that no column holds", say("hi", usage={"prompt_tokens": 2**40, "completion_tokens": -1}) + END, HI),
]  # fmt: skip

_CONTEXT = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
_NO_DEPLOYMENTS = "There are no healthy deployments for this model"
_NO_NAME = (
    "Invalid model name passed in model=x. Call `/v1/models` to view available models for your key."
)
REFUSALS = [
    refused(401, error("Incorrect API key provided: sk-secret-key-of-a-test.", code="invalid_api_key"), failed("UNAUTHORIZED", "Incorrect API key provided")),
    refused(403, error("Country not supported."), failed("FORBIDDEN", "Country not supported.")),
    refused(403, error("user quota is not enough", code="insufficient_user_quota"), failed("QUOTA_EXCEEDED")),
    refused(404, error("The model `x` does not exist", code="model_not_found"), failed("MODEL_NOT_FOUND", "does not exist")),
    refused(404, {"error": "model 'x' not found, try pulling it first"}, failed("MODEL_NOT_FOUND", "pulling")),
    refused(404, {"detail": "Not Found"}, failed("PATH_NOT_FOUND", "base URL")),
    refused(404, b"<html><title>404 Not Found</title></html>", failed("PATH_NOT_FOUND", "404 Not Found")),
    refused(405, {"detail": "Method Not Allowed"}, failed("PATH_NOT_FOUND")),
    refused(400, error("Unsupported parameter: 'max_tokens'.", param="max_tokens", code="unsupported_parameter"), failed("PARAMETER_REFUSED", "the parameter max_tokens")),
    refused(400, error("temperature must be between 0 and 1"), failed("PARAMETER_REFUSED", "the parameter temperature")),
    refused(422, {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}]}, failed("PARAMETER_REFUSED", "top_k")),
    refused(400, error("max_tokens is too large: 99999. This model supports at most 4096 completion tokens.", param="max_tokens"), failed("PARAMETER_REFUSED", "max_tokens")),
    refused(400, error(_CONTEXT, code="context_length_exceeded", param="messages"), failed("CONTEXT_TOO_LONG", "9,000 tokens of the 8,192")),
    refused(400, error("prompt is too long: 210000 tokens > 200000 maximum", type="invalid_request_error"), failed("CONTEXT_TOO_LONG", "210,000 tokens of the 200,000")),
    refused(400, error("The input token count (40000) exceeds the maximum number of tokens allowed (32768)."), failed("CONTEXT_TOO_LONG", "40,000 tokens of the 32,768")),
    refused(400, error("the request exceeds the available context size", type="exceed_context_size_error"), failed("CONTEXT_TOO_LONG")),
    refused(400, error("The response was filtered", code="content_filter"), failed("CONTENT_REFUSED")),
    refused(400, {"code": "data_inspection_failed", "message": "Input may contain inappropriate content."}, failed("CONTENT_REFUSED")),
    refused(400, error("Something else."), failed("REFUSED", "Something else.")),
    refused(400, [error("API key not valid. Please pass a valid API key.", code=400)], failed("UNAUTHORIZED", "API key not valid")),
    refused(402, {"error": {"message": "Insufficient Balance"}}, failed("QUOTA_EXCEEDED", "Insufficient Balance")),
    refused(429, error("You exceeded your current quota, please check your plan and billing details.", code="insufficient_quota"), failed("QUOTA_EXCEEDED")),
    refused(429, error("Slow down."), failed("RATE_LIMITED", retry_after=7), "Retry-After: 7"),
    refused(429, error("Slow down."), failed("RATE_LIMITED", retry_after=0), "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"),
    refused(429, error("Slow down."), failed("RATE_LIMITED", retry_after=2), "Retry-After-Ms: 1500"),
    refused(429, error("Please try again in 1.2s."), failed("RATE_LIMITED", retry_after=2)),
    refused(429, [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your current quota.", "details": [{"retryDelay": "32s"}]}}], failed("RATE_LIMITED", retry_after=32)),
    refused(429, error("The engine is currently overloaded", type="engine_overloaded_error"), failed("OVERLOADED")),
    refused(413, error("Too big."), failed("TOO_LARGE", "Too big.")),
    refused(500, error("Broken."), failed("FAILED", "Broken.")),
    refused(502, b"<html><h1>502 Bad Gateway</h1></html>", failed("FAILED", "502 Bad Gateway")),
    refused(503, b"<html><title>Down</title></html>", failed("OVERLOADED", "Down", retry_after=120), "Retry-After: 120"),
    refused(503, b"", failed("OVERLOADED")),
    refused(504, b"", failed("TIMED_OUT")),
    refused(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, failed("OVERLOADED")),
    refused(308, b"", failed("REDIRECTED", "to https://example.org;"), "Location: https://user:pw@example.org/v1?key=1"),
    refused(307, b"", failed("REDIRECTED"), "Location: /elsewhere"),
    refused(500, gzip.compress(dumps(error("Broken.")), mtime=0), failed("FAILED", "Broken."), "Content-Encoding: gzip"),
    refused(400, error(f"litellm.BadRequestError: You passed in model=x. {_NO_DEPLOYMENTS}", type="invalid_request_error", param=None, code="400"), failed("MODEL_NOT_FOUND", "no healthy deployments")),
    refused(400, error(f"{{'error': '/chat/completions: {_NO_NAME}'}}", type="None", param="None", code="400"), failed("MODEL_NOT_FOUND", "Invalid model name")),
    refused(401, error("key not allowed to access model. This key can only access models=['y']. Tried to access x", type="key_model_access_denied", param="model", code="401"), failed("MODEL_NOT_FOUND", "not allowed to access model")),
    refused(403, error("The team may not use x", type="team_model_access_denied", param="None", code="403"), failed("MODEL_NOT_FOUND")),
    refused(400, error("No connected db.", type="no_db_connection", param=None, code="400"), failed("UNAUTHORIZED", "No connected db.")),
    refused(400, error("Budget has been exceeded! Current cost: 0.02, Max budget: 0.01", type="budget_exceeded", param=None, code="400"), failed("QUOTA_EXCEEDED")),
    refused(429, error("Budget has been exceeded! Current cost: 0.02, Max budget: 0.01", type="budget_exceeded", param=None, code="429"), failed("QUOTA_EXCEEDED")),
    refused(429, error("No deployments available for selected model, Try again in 5 seconds. Passed model=x.", type="None", param="None", code="429"), failed("OVERLOADED", retry_after=5)),
    refused(400, error("Something else.", type="None", param="None", code="400"), failed("REFUSED", "Something else.")),
    refused(429, error("Requests have exceeded the call rate limit. Please retry after 1 minute."), failed("RATE_LIMITED", retry_after=60)),
    refused(429, error("Please try again in 6m0s."), failed("RATE_LIMITED", retry_after=360)),
    refused(429, error("Please try again in 1h12m30.5s."), failed("RATE_LIMITED", retry_after=4351)),
    refused(429, error("Please try again in 250ms."), failed("RATE_LIMITED", retry_after=1)),
    refused(503, error("Service unavailable.", type="server_error", param=None, code="service_unavailable"), failed("OVERLOADED", "Service unavailable.", retry_after=1), "Retry-After: 1", "Retry-After-Ms: 1000"),
    refused(404, {"type": "error", "error": {"type": "model_not_found", "message": "The model `x` does not exist."}}, failed("MODEL_NOT_FOUND")),
]  # fmt: skip

KINDS = {
    "framing": FRAMING,
    "bodies": BODIES,
    "shapes": SHAPES,
    "errors": ERRORS,
    "ends": ENDS,
    "usage": USAGE,
    "refusals": REFUSALS,
}
