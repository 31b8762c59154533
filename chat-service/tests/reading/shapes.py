"""Where servers put text, thinking, ends and counts, by kind; as in ``zoo.py``."""

import json
from typing import Any

from .zoo import (
    DONE,
    END,
    HI,
    STOP,
    Outcome,
    chunk,
    delta,
    dumps,
    ended,
    event,
    failed,
    say,
    served,
    sse,
    used,
)

_HI = say("hi")
_DELTA = delta(content="hi")
_THOUGHT = Outcome("hi", "hm", finish="stop")
_TOOL = failed("CALLED_TOOL", "called a tool", finish="tool_calls")
_CALL = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]
_TOKENS = {"prompt_tokens": 3, "completion_tokens": 4}
_READ = Outcome("hi", finish="stop", usage=(3, 4))
_JSON = "application/json"
_LINES = "application/x-ndjson"


def of(*choices: Any, **more: Any) -> dict[str, Any]:
    return {"choices": list(choices), **more}


_ALL = "Hello you, how is the weather?"
_WHOLE = Outcome(_ALL, finish="stop")
PLACES = [
    chunk("spoken aloud", delta(content=None, audio={"id": "a", "transcript": "h"}), delta(audio={"transcript": "i"}), delta(audio={"data": "AAAA"})),
    served("spoken aloud in a document", _JSON, dumps(of({"message": {"content": None, "audio": {"transcript": "hi"}}, "finish_reason": "stop"}))),
    sse("a tool, and a stop", event(delta(tool_calls=_CALL)) + END, _TOOL),
    sse("a function, and a stop", event(delta(function_call={"name": "f", "arguments": "{}"})) + END, _TOOL),
    served("a tool in a document, and a stop", _JSON, dumps(of({"message": {"content": None, "tool_calls": _CALL}, "finish_reason": "stop"})), _TOOL),
    sse("thinking, a tool, and a stop", event(delta(reasoning_content="hm")) + event(delta(tool_calls=_CALL)) + END, failed("CALLED_TOOL", thinking="hm", finish="tool_calls")),
    sse("a tool, then text", event(delta(tool_calls=_CALL)) + _HI + END),
    chunk("no tools in each chunk", delta(content="h", tool_calls=[]), delta(content="i", tool_calls=[])),
    sse("a choice of number one alone", event(of({"index": 1, "delta": {"content": "h"}})) + event(of({"index": 1, "delta": {"content": "i"}})) + event(of({"index": 1, "delta": {}, "finish_reason": "stop"})) + DONE),
    sse("a choice of number one alone, and no [DONE]", event(of({"index": 1, "delta": {"content": "hi"}, "finish_reason": "length"})), Outcome("hi", finish="length")),
    sse("the second choice first", event(of({"index": 1, "delta": {"content": "x"}})) + _HI + event(of({"index": 1, "delta": {}, "finish_reason": "length"})) + END),
    sse("choices of numbers one and two", event(of({"index": 1, "delta": {"content": "hi"}})) + event(of({"index": 2, "delta": {"content": "x"}})) + event(of({"index": 1, "finish_reason": "stop"})) + DONE),
    chunk("a number with a point", of({"index": 0.0, "delta": {"content": "hi"}})),
    chunk("a delta that is text", of({"index": 0, "delta": "hi"})),
    chunk("a delta that is a list", of({"index": 0, "delta": [{"content": "h"}, {"content": "i"}]})),
    chunk("parts of Google's", delta(content={"parts": [{"text": "hm", "thought": True}, {"text": "hi"}]}), outcome=_THOUGHT),
    chunk("a list of texts", delta(content=["h", "i"])),
    chunk("an empty list", delta(content=[]), _DELTA),
    chunk("parts of the other API", delta(content=[{"type": "output_text", "text": "hi", "annotations": []}])),
    chunk("a text in an object", delta(content=[{"type": "text", "text": {"value": "hi", "annotations": []}}])),
    chunk("a picture before the text", delta(content=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}, {"type": "text", "text": "hi"}])),
    chunk("references behind the text", delta(content=[{"type": "text", "text": "hi"}, {"type": "reference", "reference_ids": [1]}])),
    chunk("details that are encrypted", delta(reasoning_details=[{"type": "reasoning.encrypted", "data": "xx"}]), _DELTA),
    chunk("an empty field and details", delta(reasoning=None, reasoning_details=[{"type": "reasoning.text", "text": "hm"}]), _DELTA, outcome=_THOUGHT),
    chunk("what has been said so far, beside each delta", of({"index": 0, "delta": {"content": "h"}, "message": {"content": "h"}}), of({"index": 0, "delta": {"content": "i"}, "message": {"content": "hi"}})),
    chunk("what has been said so far, beside an empty delta", of({"index": 0, "delta": _DELTA["choices"][0]["delta"]}), of({"index": 0, "delta": {"content": ""}, "message": {"content": "hi"}})),
    chunk("all until now in each message", *(of({"index": 0, "message": {"content": text}}) for text in ("h", "hi", "hi"))),
    chunk("all until now within an output", *({"output": of({"message": {"content": text}, "finish_reason": "null"})} for text in ("Hel", "Hello", "Hello you")), outcome=Outcome("Hello you", finish="stop")),
    chunk("all thinking until now in each message", *(of({"message": {"reasoning_content": "hm"[: at + 1], "content": "hi"[:at]}}) for at in range(3)), outcome=_THOUGHT),
    *(chunk(f"all until now in each delta, of {len(cuts)}", *(delta(content=_ALL[:cut]) for cut in cuts), outcome=_WHOLE) for cuts in ((9, 30), (1, 9, 30), (9, 18, 30), (5, 9, 18, 30), (5, 9, 9, 18, 30, 30), (5, 9, 18, 27, 28, 29, 30), (9, 18, 27, 30, 30))),
    sse("all until now in each delta, a tail behind them", b"".join(say(_ALL[:cut]) for cut in (5, 9, 18, 27)) + say(_ALL[27:]) + END, _WHOLE),
    sse("all until now in each delta, and then a break", b"".join(say(_ALL[:cut]) for cut in (9, 18, 30)), Outcome(_ALL, status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    sse("all until now in each delta, and then an error", b"".join(say(_ALL[:cut]) for cut in (9, 18, 30)) + event({"error": "Broken."}), failed("FAILED", "Broken.", text=_ALL)),
    sse("all thinking until now in each delta, beside the text", b"".join(event(delta(reasoning_content=_ALL[:cut], content="hi"[: cut // 14])) for cut in (5, 9, 18, 27, 30, 30)) + END, Outcome("hi", _ALL, finish="stop")),
    chunk("deltas that begin like what has come", *(delta(content=text) for text in ("1", "10", " 100", "1")), outcome=Outcome("110 1001", finish="stop")),
    chunk("two deltas, of which the second begins like the first", delta(content="12"), delta(content="123"), outcome=Outcome("12123", finish="stop")),
    chunk("the same time and again", *(delta(content="ha " * count) for count in (1, 1, 2, 4, 8)), outcome=Outcome("ha " * 16, finish="stop")),
    chunk("the same time and again, in longer and longer deltas", *(delta(content="ha " * count) for count in (1, 2, 4, 8)), outcome=Outcome("ha " * 15, finish="stop")),
    *(chunk(f"{name}, all until now in each chunk", *({**value(_ALL[:cut])} for cut in (5, 9, 18, 30)), outcome=_WHOLE) for name, value in (("DashScope's own", lambda text: {"output": {"text": text, "finish_reason": "null"}}), ("a result", lambda text: {"result": text, "is_end": False}))),
    *(chunk(f"a ping: {word!r}", word, _DELTA) for word in (b"2024-04-27 01:35:43.686476", b"ping - 2026-11-28T01:35:43Z", b"PING", b"[HEARTBEAT]", b"keep alive", b'" "', b"OK", b"1714181743", b"[null]", b'{"ping":1714181743}')),
    *(sse(f"news of its own by the name of {name}", b'event: %b\ndata: {"message":"hello"}\n\n' % name.encode() + _HI + END) for name in ("open", "connected", "start", "progress", "meta", "message_start")),
    chunk("a chunk as a string", dumps(dumps(_DELTA).decode())),
    chunk("an event in a string", dumps("data: " + dumps(_DELTA).decode() + "\n\n")),
    served("a document as a string", _JSON, dumps(dumps(of({"message": {"content": "hi"}, "finish_reason": "stop"})).decode())),
    sse("noughts before a line", b"\0\0" + _HI + END),
    sse("a blank that does not break", b"data:\xc2\xa0" + dumps(_DELTA) + b"\n\n" + END),
    sse("pretty JSON behind one data", b"data: " + json.dumps(_DELTA, indent=1).encode() + b"\n\n" + END),
    sse("an end of a line in a text", b'data: {"choices":[{"index":0,"delta":{"content":"h\ni"}}]}\n\n' + END, Outcome("h\ni", finish="stop")),
    *(chunk(f"text in {where}", of({"index": 0, **choice})) for where, choice in (
        ("a delta's text", {"delta": {"text": "hi"}}), ("a delta's message", {"delta": {"message": {"content": "hi"}}}),
        ("a choice's content", {"content": "hi"}), ("an output's part", {"delta": {"content": [{"type": "output_text", "output_text": "hi"}]}}),
    )),
    chunk("choices by number", {"choices": {"0": {"delta": {"content": "hi"}}}}),
    chunk("messages that go on, a blank one first", *(of({"message": {"content": text}}) for text in ("\n", "\n- a", "b")), outcome=Outcome("\n\n- ab", finish="stop")),
    *(chunk(f"thinking in {name}", delta(**{name: "hm"}), _DELTA, outcome=_THOUGHT) for name in ("thinking_content", "thinkingContent", "reasoningContent", "reasoning_summary", "thought", "thoughts", "chain_of_thought", "cot", "internal_thoughts")),
    *(chunk(f"thinking by the role of {role} in each delta", delta(role=role, content="h"), delta(role=role, content="m"), delta(role="assistant", content="hi"), outcome=_THOUGHT) for role in ("reasoning", "thinking", "Reasoning")),
    chunk("thinking by a role that is said once", delta(role="reasoning", content="h"), delta(content="m"), delta(role="assistant", content="h"), delta(content="i"), outcome=_THOUGHT),
    chunk("thinking by a channel", delta(role="assistant", channel="analysis", content="h"), delta(role="assistant", content="m"), delta(role="assistant", channel="final", content="h"), delta(content="i"), outcome=_THOUGHT),
    chunk("a channel for people", delta(channel="commentary", content="h"), delta(channel="final", content="i")),
    served("thinking by a channel in a document", _JSON, dumps(of({"message": {"channel": "final", "content": "hi"}, "finish_reason": "stop"}))),
    *(chunk(f"in capital letters{name}", *within, outcome=Outcome("hi", "hm", finish="stop", usage=(3, 4))) for name, within in (
        ("", ({"Choices": [{"Delta": {"Role": "assistant", "ReasoningContent": "hm"}, "FinishReason": ""}]}, {"Choices": [{"Delta": {"Content": "hi"}, "FinishReason": "stop"}], "Usage": {"PromptTokens": 3, "CompletionTokens": 4}})),
        (", within a response", ({"Response": {"Choices": [{"Delta": {"ReasoningContent": "hm"}}]}}, {"Response": {"Choices": [{"Message": {"Content": "hi"}}], "Usage": {"PromptTokens": 3, "CompletionTokens": 4}}})),
    )),
    served("Baidu's own", _JSON, dumps({"id": "as-1", "object": "chat.completion", "result": "hi", "is_truncated": False, "finish_reason": "normal", "usage": _TOKENS}), _READ),
    chunk("Baidu's own, in pieces", {"sentence_id": 0, "is_end": False, "result": "h"}, {"sentence_id": 1, "is_end": True, "result": "i", "usage": _TOKENS}, outcome=_READ),
    chunk("thinking in LiteLLM's blocks alone", delta(thinking_blocks=[{"type": "thinking", "thinking": "hm", "signature": ""}]), _DELTA, outcome=_THOUGHT),
    chunk("thinking in blocks, and in a field", delta(reasoning_content="hm", thinking_blocks=[{"type": "thinking", "thinking": "hm"}]), _DELTA, outcome=_THOUGHT),
    chunk("thinking in a choice", of({"index": 0, "delta": {}, "reasoning": "hm"}), _DELTA, outcome=_THOUGHT),
    chunk("thinking in the greeting", delta(role="assistant", content="", thought="hm"), _DELTA, outcome=_THOUGHT),
    sse("all in one read, thinking where nobody looks for it", b"".join(map(event, (delta(role="assistant", content=""), delta(thought="h"), delta(thought="m"), _DELTA, delta("stop"))), ), _THOUGHT),
    chunk("a choice of a number below nought", of({"index": -1, "delta": {"content": "hi"}})),
    chunk("within data", {"code": 0, "data": of({"delta": {"content": "hi"}})}),
    chunk("within a result", {"result": of({"delta": {"content": "hi"}})}),
    chunk("within an output", {"output": of({"message": {"content": "hi"}, "finish_reason": "null"}), "usage": {"input_tokens": 3, "output_tokens": 4}}, outcome=_READ),
    chunk("as Cloudflare's own", {"response": "h", "p": "abc"}, {"response": "i", "p": "a"}),
    served("Ollama's other way", _LINES, dumps({"response": "hi", "done": False}) + b"\n" + dumps({"response": "", "done": True, "done_reason": "stop"}) + b"\n"),
    served("Ollama's thinking", _LINES, dumps({"message": {"content": "", "thinking": "hm"}, "done": False}) + b"\n" + dumps({"message": {"content": "hi"}, "done": True, "done_reason": "length"}) + b"\n", Outcome("hi", "hm", finish="length")),
    served("Ollama's end without a word of it", _LINES, dumps({"message": {"content": "hi"}, "done": False}) + b"\n" + dumps({"message": {"content": ""}, "done_reason": "stop"}) + b"\n"),
    sse("Azure's filter, later", _HI + event({"id": "", "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}, "content_filter_results": {"error": {"code": "content_filter_error"}}}]}) + END),
    sse("Anthropic's events", b'event: message_start\ndata: {"type":"message_start","message":{"content":[]}}\n\n', failed("GARBLED", "provider to anthropic")),
    served("Anthropic's message", _JSON, dumps({"type": "message", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"}), failed("GARBLED", "provider to anthropic")),
    sse("Google's own", event({"candidates": [{"content": {"parts": [{"text": "hi"}]}}]}), failed("GARBLED", "/v1beta/openai")),
    sse("the Responses API", b'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n', failed("GARBLED", "Responses API")),
    served("an answer of the Responses API", _JSON, dumps({"object": "response", "output": [{"content": [{"text": "hi"}]}]}), failed("GARBLED", "Responses API")),
    sse("Cohere's own", event({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "hi"}}}}), failed("GARBLED", "/compatibility/v1")),
    sse("Cohere's older own", event({"event_type": "text-generation", "text": "hi"}), failed("GARBLED", "/compatibility/v1")),
    sse("Bedrock's own", event({"contentBlockDelta": {"delta": {"text": "hi"}, "contentBlockIndex": 0}}), failed("GARBLED", "/openai/v1")),
    sse("Text Generation Inference's own", event({"index": 1, "token": {"id": 1, "text": "hi"}, "generated_text": None}), failed("GARBLED", "completions of text")),
    sse("llama.cpp's own", event({"content": "hi", "stop": False}), failed("GARBLED", "completions of text")),
    sse("nothing that is known, and [DONE]", event({"answer": "hi", "is_end": True}) + DONE, failed("GARBLED", "not that of chat completions")),
    served("nothing that is known, in a document", _JSON, dumps({"output_text": "hi"}), failed("GARBLED", "not that of chat completions")),
    sse("news of another protocol's name, in mid-answer", _HI + event({"type": "message_start", "message": {}}) + END),
]  # fmt: skip

_MARKS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<Think>", "</Think>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
]
TAGS = [
    *(chunk(f"{mark}", delta(content=f"{mark}hm{close}\n\nhi"), outcome=_THOUGHT) for mark, close in _MARKS),
    *(chunk(f"{mark} letter by letter", *(delta(content=letter) for letter in f"{mark}hm{close}hi"), outcome=_THOUGHT) for mark, close in _MARKS),
    chunk("the end of another mark", delta(content="<thinking>h</think>m</thinking>hi"), outcome=Outcome("hi", "h</think>m", finish="stop")),
    chunk("a mark within", delta(content="<think>h<think>m</think>hi"), outcome=Outcome("hi", "h<think>m", finish="stop")),
    chunk("twice on end", delta(content="<think>h</think>\n<think>m</think>\nhi"), outcome=_THOUGHT),
    chunk("thinking of nothing", delta(content="<think></think>\n\nhi")),
    chunk("an end alone", delta(content="hm</think>hi"), outcome=Outcome("hm</think>hi", finish="stop")),
    chunk("an end behind a field", delta(reasoning_content="hm"), delta(content="</think>"), delta(content="\n\nhi"), outcome=_THOUGHT),
    chunk("a mark in a field", delta(reasoning_content="<think>hm"), _DELTA, outcome=Outcome("hi", "<think>hm", finish="stop")),
    chunk("a mark that another begins like", delta(content="<thin"), delta(content="g>hi"), outcome=Outcome("<thing>hi", finish="stop")),
    chunk("a list", delta(content="["), delta(content="1] hi"), outcome=Outcome("[1] hi", finish="stop")),
    chunk("half a mark at the end", delta(content="<|chan"), outcome=Outcome("<|chan", finish="stop")),
]  # fmt: skip

_STOPPED = Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")
_LONG = Outcome("hi", finish="length")
_FILTERED = Outcome("hi", finish="content_filter")
LAST = [
    *(ended(f"{word} stops", word, "hi", HI) for word in ("COMPLETE", "FINISH_REASON_STOP", "REASON_STOP", "finished", "done", "stop_token", "stopped")),
    *(ended(f"{word} stops", word, "hi", HI) for word in ("eos_found", "EndOfSequence", "end_of_text", "<|im_end|>", "stop_string", "stopSequence")),
    *(ended(f"{word} is long", word, "hi", _LONG) for word in ("MaxTokens", "maxTokens", "max_token", "OUTPUT_TOKEN_LIMIT", "length_limit", "ModelLength", "max_output_reached", "repetition_truncation")),
    *(ended(f"{word} is filtered", word, "hi", _FILTERED) for word in ("contentFilter", "risk_control", "moderation", "blocked", "PROHIBITED", "policy_violation", "sensitive_content", "content_filter_error")),
    *(ended(f"{word} is a tool", word, "hi", Outcome("hi", finish="tool_calls")) for word in ("toolUse", "toolCalls", "function")),
    *(ended(f"{word} is no word", word, "hi", Outcome("hi")) for word in ("unknown", "undefined", "FINISH_REASON_UNSPECIFIED")),
    *(sse(f"{word} behind which nothing comes", _HI + event(delta(word)) + event({"choices": [], "usage": _TOKENS}), Outcome("hi", finish="other", usage=(3, 4))) for word in ("unknown", "FINISH_REASON_UNSPECIFIED")),
    sse("unknown in each chunk", event(delta("unknown", content="h")) + event(delta(content="i")), _STOPPED),
    sse("unknown, and in a read behind it the end", event(delta("unknown", content="hi")) + END),
    *(ended(f"{word} failed", word, "hi", failed("FAILED", text="hi")) for word in ("failure", "engine_error", "upstream_error", "exception", "internalServerError")),
    *(ended(f"{word} stopped it", word, "hi", _STOPPED) for word in ("preempted", "client_disconnect", "deadline_exceeded", "shutdown", "terminated", "partial", "timedOut")),
    ended("too much of it", "rate_limited", "hi", failed("RATE_LIMITED", text="hi")),
    ended("out of capacity", "capacity_exceeded", "hi", failed("OVERLOADED", text="hi")),
    *(sse(f"an event by the name of {name} ends", _HI + b"event: %b\ndata: {}\n\n" % name.encode(), Outcome("hi")) for name in ("finish", "finished", "message_stop", "stream_end", "stop", "eof")),
    *(sse(f"{word!r} ends", _HI + event(word), Outcome("hi")) for word in (b"[Done]", b"[DONE].", b'"DONE"', b"<DONE>", b"[END]", b"[DONE][DONE]")),
    *(sse(f"{value} ends", _HI + event(value), Outcome("hi")) for value in ({"type": "done"}, {"event": "done"}, {"status": "completed"}, {"finished": True}, {"is_end": True}, {"object": "chat.completion.done"})),
    sse("completed, and then more", say("h") + event({"status": "completed"}) + say("i"), _STOPPED),
    *(ended(f"{word} ends", word, "hi", outcome) for word, outcome in (("success", HI), ("too_long", _LONG))),
    sse("a finish in camels", _HI + event(of({"index": 0, "delta": {}, "finishReason": "stop"}))),
    sse("a finish in camels, beside null and the text", event(of({"index": 0, "delta": {"content": "hi"}, "finish_reason": None, "finishReason": "stop"}))),
    sse("a finish of the chunk", _HI + event({"choices": [], "finish_reason": "stop"})),
    sse("a finish in the delta", _HI + event(of({"index": 0, "delta": {"finish_reason": "stop"}}))),
    sse("a finish by the other protocol's name", _HI + event(of({"index": 0, "delta": {}, "stop_reason": "end_turn"}))),
    sse("the stop string alone", _HI + event(of({"index": 0, "delta": {}, "stop_reason": "</s>"})) + DONE, Outcome("hi")),
    *(ended(f"{word} is long", word, "hi", _LONG) for word in ("FINISH_REASON_MAX_TOKENS", "REASON_MAX_LEN", "ERROR_LIMIT", "max_completion_tokens", "max-tokens", "context_window_exceeded")),
    *(ended(f"{word} is filtered", word, "hi", _FILTERED) for word in ("content-filter", "Content Filter", "ERROR_TOXIC", "IMAGE_SAFETY", "content_moderation")),
    *(ended(f"{word} is a tool", word, "hi", Outcome("hi", finish="tool_calls")) for word in ("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")),
    *(ended(f"{word} stopped it", word, "hi", _STOPPED) for word in ("USER_CANCEL", "cancel", "incomplete", "time_limit", "pause_turn")),
    *(ended(f"{word} failed", word, "hi", failed("FAILED", text="hi")) for word in ("ERROR", "FINISH_REASON_ERROR", "network_error")),
    *(ended(f"{word!r} is no word", word, "hi", Outcome("hi")) for word in (1, True, ["stop"], 0.5)),
    ended("an object with a word", {"type": "max_tokens"}, "hi", _LONG),
    ended("a very long word", "x" * 10_000, "hi", Outcome("hi", finish="other")),
    sse("stop, then length", _HI + STOP + event(delta("length")) + DONE, _LONG),
    sse("length, then nothing", _HI + event(delta("length")) + event(delta("")) + DONE, _LONG),
    sse("the finish first", STOP + _HI + DONE),
    sse("a choice of a finish alone", _HI + event({"choices": [{"finish_reason": "stop"}]}) + DONE),
    sse("the stop string beside it", _HI + event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "</s>"}]}) + DONE),
    sse("an error behind [DONE]", _HI + END + event({"error": "Late."})),
    sse("usage, and no end", _HI + event({"choices": [], "usage": _TOKENS}), Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY", usage=(3, 4))),
]  # fmt: skip

COUNTS = [
    used("in camels", usage={"promptTokens": 3, "completionTokens": 4}),
    used("in Amazon's camels", usage={"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}),
    used("with a total and the prompt", usage={"prompt_tokens": 3, "total_tokens": 7}),
    used("with a total and the answer", usage={"completion_tokens": 4, "total_tokens": 7}),
    used("with thinking in the total alone, as Google's", usage={"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 7}),
    used("with thinking beside the answer, as xAI's", usage={"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 3}}),
    used("with kept tokens in the total alone", usage={**_TOKENS, "total_tokens": 9, "prompt_tokens_details": {"cached_tokens": 2}}),
    used("with details that are none", usage={**_TOKENS, "prompt_tokens_details": "no"}),
    *(used(f"by the name of {name}", **{name: _TOKENS}) for name in ("usageMetadata", "x_usage", "token_usage")),
    used("within metrics", metrics={"usage": _TOKENS}),
    used("as llama.cpp's timings alone", timings={"prompt_n": 3, "predicted_n": 4, "predicted_ms": 1.5}),
    *(sse(f"{name}, with the end", _HI + event({**delta("stop"), **last}) + DONE, _READ) for name, last in (("Google's own name", {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4}}), ("timings", {"timings": {"prompt_n": 3, "predicted_n": 4}}), ("in the delta", {"choices": [{"index": 0, "delta": {"usage": _TOKENS}, "finish_reason": "stop"}]}))),
    used("with text around it", usage={"prompt_tokens": " 3 ", "completion_tokens": "4.0"}),
    sse("nothing until the end", say("hi", usage={"prompt_tokens": 0, "completion_tokens": 0}) + STOP + event({"choices": [], "usage": _TOKENS}) + DONE, _READ),
    sse("nothing at the end", say("hi", usage=_TOKENS) + event({**delta("stop"), "usage": {"prompt_tokens": 0, "completion_tokens": 0}}) + DONE, _READ),
    sse("an empty object at the end", say("hi", usage=_TOKENS) + event({**delta("stop"), "usage": {}}) + DONE, _READ),
    *(sse(f"what is none: {usage}", _HI + STOP + event({"choices": [], "usage": usage}) + DONE) for usage in ("3", [_TOKENS], {"total_tokens": 7}, {"prompt_tokens": True}, {"prompt_tokens": "many"}, {"prompt_tokens": float("inf")})),
]  # fmt: skip

KINDS = {"places": PLACES, "tags": TAGS, "last": LAST, "counts": COUNTS}
