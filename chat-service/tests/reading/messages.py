"""What servers of Anthropic's Messages API do, by kind; as in ``zoo.py``."""

import gzip
import json
from dataclasses import replace
from typing import Any

from parley_local.model_server.steps import Act, Hold, Pause, Reset

from .zoo import Case, Outcome, dumps, failed, head, refused


def event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def delta(**said: Any) -> bytes:
    return event("content_block_delta", index=0, delta=said)


def text(said: str) -> bytes:
    return delta(type="text_delta", text=said)


def stopped(reason: Any, **usage: int) -> bytes:
    return event(
        "message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 4, **usage}
    )


def error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


START = event("message_start", message={"content": [], "usage": {"input_tokens": 3}})
HI = START + text("hi")
THOUGHT = START + delta(type="thinking_delta", thinking="hm")
TOOL = event("content_block_start", index=1, content_block={"type": "tool_use", "name": "n"})
STOP = stopped("end_turn")
END = event("message_stop")
PING = event("ping")
READ = Outcome("hi", finish="stop", usage=(3, 4))
CUT = Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY", usage=(3, 0))


def wire(name: str, *acts: Act, outcome: Outcome = READ) -> Case:
    return Case(name, (head(), *acts), outcome, "anthropic")


def served(name: str, body: bytes, outcome: Outcome, *more: str) -> Case:
    return Case(name, (head("application/json", "200 OK", *more), body), outcome, "anthropic")


def status(number: int, body: Any, outcome: Outcome, *more: str) -> Case:
    return replace(refused(number, body, outcome, *more), provider="anthropic")


def no(reason: str, says: str = "", **more: Any) -> Outcome:
    return failed(reason, says, **{"usage": (3, 4), **more})


_PINGS: list[Act] = [Pause(0.02), PING] * 20
STREAMS = [
    wire("the usual", HI + STOP + END),
    wire("silence behind the stop", HI + STOP, Hold()),
    wire("silence behind the end", HI + STOP + END, Hold()),
    wire("pings behind the stop", HI + STOP, *_PINGS, Hold()),
    wire("a reset behind the stop", HI + STOP, Pause(0.01), Reset()),
    wire("an error behind the stop", HI + STOP + event("error", error={"type": "api_error"})),
    wire("a reset before it", HI, Pause(0.01), Reset(), outcome=CUT),
    wire("a close before it", HI, outcome=CUT),
    wire("a start alone", START, outcome=no("ENDED_EARLY", usage=(3, 0))),
    wire("overloaded at once", START + event("error", error={"type": "overloaded_error", "message": "Overloaded"}), outcome=no("OVERLOADED", "Overloaded", usage=(3, 0))),
    wire("an error, then a stop", HI + event("error", error={"type": "api_error", "message": "Oh."}) + STOP + END, outcome=no("FAILED", "Oh.", text="hi", usage=(3, 0))),
    wire("an error in words", HI + b"data: Internal server error\n\n", outcome=no("FAILED", "Internal server error", text="hi", usage=(3, 0))),
    wire("an error on a line of its own", HI + b'error: {"message":"Broken."}\n\n', outcome=no("FAILED", "Broken.", text="hi", usage=(3, 0))),
    wire("an error of Bedrock's", HI + b'data: {"internalServerException":{"message":"Broken."}}\n\n', outcome=no("FAILED", "Broken.", text="hi", usage=(3, 0))),
    wire("garbage", HI + b"data: {oops\n\n" + STOP, outcome=no("GARBLED", text="hi", usage=(3, 0))),
    wire("a tool alone", START + TOOL + stopped("tool_use") + END, outcome=no("CALLED_TOOL", finish="tool_calls")),
    wire("a tool behind text", HI + TOOL + stopped("tool_use") + END, outcome=replace(READ, finish="tool_calls")),
    wire("thinking alone", THOUGHT + STOP + END, outcome=no("THOUGHT_ONLY", thinking="hm", finish="stop")),
    wire("thinking cut", THOUGHT + stopped("max_tokens") + END, outcome=Outcome("", "hm", "interrupted", "PROVIDER_THOUGHT_ONLY", "length", (3, 4))),
    wire("thinking, then text", THOUGHT + text("hi") + STOP + END, outcome=replace(READ, thinking="hm")),
    wire("nothing", START + STOP + END, outcome=no("EMPTY", finish="stop")),
    wire("nothing, and no tokens left", START + stopped("max_tokens") + END, outcome=no("EMPTY", "max_tokens", finish="length")),
    wire("refused", START + stopped("refusal") + END, outcome=no("CONTENT_REFUSED")),
    wire("refused behind text", HI + stopped("refusal") + END, outcome=replace(READ, finish="content_filter")),
    wire("paused", HI + stopped("pause_turn") + END, outcome=replace(CUT, usage=(3, 4))),
    wire("paused at once", START + stopped("pause_turn") + END, outcome=no("ENDED_EARLY")),
    wire("no more room", HI + stopped("model_context_window_exceeded") + END, outcome=replace(READ, finish="length")),
    wire("no more tokens", HI + stopped("max_tokens") + END, outcome=replace(READ, finish="length")),
    wire("a stop sequence", HI + stopped("stop_sequence") + END),
    wire("an error for a reason", HI + stopped("error") + END, outcome=no("FAILED", text="hi")),
    wire("cut for a reason", HI + stopped("aborted") + END, outcome=replace(CUT, usage=(3, 4))),
    wire("another reason", HI + stopped("eager") + END, outcome=replace(READ, finish="other")),
    wire("no reason", HI + stopped(None) + END, outcome=replace(READ, finish=None)),
    wire("noughts at the end", HI + stopped("end_turn", input_tokens=0) + END),
    wire("types in the names alone", HI + b'event: content_block_delta\ndata: {"delta":{"text":"!"}}\n\nevent: message_delta\ndata: {"delta":{"stop_reason":"end_turn"}}\n\nevent: message_stop\ndata: {}\n\n', outcome=Outcome("hi!", finish="stop", usage=(3, 0))),
    wire("a stop at the top of its event", HI + event("message_delta", stop_reason="end_turn", usage={"output_tokens": 4})),
    wire("counts with the end", HI + event("message_delta", delta={"stop_reason": "end_turn"}) + event("message_stop", message={"usage": {"input_tokens": 3, "output_tokens": 4}})),
    wire("thinking by another name", START + event("content_block_delta", index=0, delta={"type": "reasoning_delta", "reasoning": "hm"}) + text("hi") + STOP + END, outcome=replace(READ, thinking="hm")),
    wire("all until now in each delta", START + b"".join(text("Hello you, how is it?"[:cut]) for cut in (5, 9, 14, 21)) + STOP + END, outcome=replace(READ, text="Hello you, how is it?")),
    wire("all until now in each delta, and then a close", START + b"".join(text("Hello you, how is it?"[:cut]) for cut in (9, 21)), outcome=replace(CUT, text="Hello you, how is it?")),
    wire("the older protocol", b'event: completion\ndata: {"type":"completion","completion":" hi","stop_reason":null}\n\n', outcome=failed("GARBLED", "Messages API")),
    wire("[DONE] behind the end", HI + STOP + b"data: [DONE]\n\n"),
    wire("chunks of the other protocol", b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n', outcome=failed("GARBLED", "provider to openai")),
    wire("data alone", b"\n\n".join(line for line in (HI + STOP + END).split(b"\n") if line.startswith(b"data:")) + b"\n\n"),
    wire("byte by byte", *[bytes([byte]) for byte in HI + STOP + END]),
]  # fmt: skip

_MESSAGE = {"type": "message", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 4}}  # fmt: skip
WHOLE = [
    served("a message", dumps(_MESSAGE), READ),
    served("a message in a list", dumps([_MESSAGE]), READ),
    served("a text for its blocks", dumps({**_MESSAGE, "content": "hi"}), READ),
    served("no blocks", dumps({**_MESSAGE, "content": []}), no("EMPTY", finish="stop")),
    served("an error", dumps(error("overloaded_error", "Overloaded")), failed("OVERLOADED", "Overloaded")),
    served("an error in a list", dumps([{"error": {"code": 429, "message": "Slow."}}]), failed("RATE_LIMITED", "Slow.")),
    served("a page", b"<html><title>Sign in</title></html>", failed("GARBLED", "Sign in")),
    served("a limit in words", b"Rate limit exceeded", failed("RATE_LIMITED")),
    served("nothing at all", b"", failed("GARBLED", "nothing in it")),
    served("gzip", gzip.compress(HI + STOP + END, mtime=0), READ, "Content-Encoding: gzip"),
    served("brotli that is none", HI + STOP + END, READ, "Content-Encoding: br"),
    served("lines", b"\n".join(line[6:] for line in (HI + STOP).split(b"\n") if line.startswith(b"data:")), READ),
]  # fmt: skip

ERRORS = [
    status(401, error("authentication_error", "invalid x-api-key"), failed("UNAUTHORIZED")),
    status(402, error("billing_error", "No."), failed("QUOTA_EXCEEDED")),
    status(403, error("permission_error", "No."), failed("FORBIDDEN")),
    status(404, error("not_found_error", "model: claude-x"), failed("MODEL_NOT_FOUND")),
    status(404, error("not_found_error", "Not found"), failed("PATH_NOT_FOUND")),
    status(413, error("request_too_large", "Too big."), failed("TOO_LARGE")),
    status(429, error("rate_limit_error", "Slow."), failed("RATE_LIMITED", retry_after=17), "retry-after: 17"),
    status(429, error("rate_limit_error", "Slow."), failed("RATE_LIMITED", retry_after=0), "anthropic-ratelimit-tokens-remaining: 0", "anthropic-ratelimit-tokens-reset: 2020-01-01T00:00:00Z"),
    status(500, error("api_error", "Oh."), failed("FAILED", "Oh.")),
    status(504, error("timeout_error", "Late."), failed("TIMED_OUT")),
    status(529, error("overloaded_error", "Overloaded"), failed("OVERLOADED")),
    status(400, error("invalid_request_error", "Your credit balance is too low to access the API."), failed("QUOTA_EXCEEDED")),
    status(400, error("invalid_request_error", "You have reached your specified API usage limits."), failed("QUOTA_EXCEEDED")),
    status(400, error("invalid_request_error", "Output blocked by content filtering policy"), failed("CONTENT_REFUSED")),
    status(400, error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"), failed("CONTEXT_TOO_LONG", "210,000 tokens of the 200,000")),
    status(200, error("not_found_error", "model: x"), failed("MODEL_NOT_FOUND")),
]  # fmt: skip

PROXIES = [
    wire("a start without content", event("message_start", message={"usage": {"input_tokens": 3}}) + text("hi") + STOP + END),
    wire("a start of nulls", event("message_start", message={"content": None, "usage": None}) + text("hi") + STOP + END, outcome=replace(READ, usage=(0, 4))),
    wire("two starts", START + HI + STOP + END),
    wire("pings in place of the end", HI + STOP + PING * 3),
    wire("a block of a number that has no other before it", START + event("content_block_start", index=4, content_block={"type": "text", "text": ""}) + event("content_block_delta", index=4, delta={"type": "text_delta", "text": "hi"}) + STOP + END),
    wire("[DONE] in place of the end", HI + STOP + b"data: [DONE]\n\n"),
    wire("an error of the other protocol", HI + b'data: {"error":{"message":"Broken.","type":"server_error"}}\n\n', outcome=failed("FAILED", "Broken.", text="hi", usage=(3, 0))),
    wire("words behind the text", HI + b"Internal Server Error\n", outcome=failed("FAILED", "Internal Server Error", text="hi", usage=(3, 0))),
    wire("events as Python writes them", START + b"event: content_block_delta\ndata: {'type': 'content_block_delta', 'index': 0, 'delta': {'type': 'text_delta', 'text': 'hi'}}\n\n" + STOP + END),
    wire("an event as a string", START + b"data: " + dumps(dumps({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}}).decode()) + b"\n\n" + STOP + END),
    served("a message in UTF-16", json.dumps({"type": "message", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn", "usage": {"input_tokens": 3, "output_tokens": 4}}).encode("utf-16"), READ),
    status(413, error("request_too_large", "Request exceeds the maximum size"), failed("TOO_LARGE")),
    status(413, error("request_too_large", "prompt exceeds the maximum context length"), failed("CONTEXT_TOO_LONG")),
]  # fmt: skip

KINDS = {
    "messages": STREAMS,
    "proxies of messages": PROXIES,
    "whole messages": WHOLE,
    "errors of messages": ERRORS,
}
