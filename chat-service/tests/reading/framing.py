"""What servers and the proxies before them do to lines, encodings and HTTP, by kind; as in ``zoo.py``."""

import gzip
import json
import zlib

from parley_local.model_server.steps import Act, Pause, Reset

from .zoo import (
    DONE,
    END,
    HI,
    STOP,
    Case,
    Outcome,
    delta,
    dumps,
    error,
    event,
    failed,
    head,
    say,
    served,
    sse,
)

_HI = say("hi")
_BOTH = _HI + END
_H, _I = delta(content="h"), delta(content="i")
_LINE = b"data: " + dumps(delta(content="hi"))
_WHOLE = {
    "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4},
}
_READ = Outcome("hi", finish="stop", usage=(3, 4))
_UNFINISHED = Outcome("hi")
_BROKEN = failed("FAILED", "Broken.", text="hi")
_JSON = "application/json"
_EVENTS = "text/event-stream"

LINES = [
    sse("a character U+0000 in the text", say("h\0i") + END, Outcome("h\0i", finish="stop")),
    sse("a byte 0 in a string", b'data: {"choices":[{"delta":{"content":"h\0i"}}]}\n\n' + END, Outcome("h\0i", finish="stop")),
    sse("a tab in a string", b'data: {"choices":[{"delta":{"content":"h\ti"}}]}\n\n' + END, Outcome("h\ti", finish="stop")),
    sse("no number", b'data: {"choices":[{"delta":{"content":"hi"},"logprobs":{"content":[{"logprob":NaN}]}}]}\n\n' + END),
    sse("less than any number", b'data: {"choices":[{"delta":{"content":"hi"},"logprobs":[-Infinity]}]}\n\n' + END),
    sse("a mark before JSON", _LINE.replace(b"data: ", b"data: \xef\xbb\xbf") + b"\n\n" + END),
    sse("a mark before each event", b"\xef\xbb\xbf" + _HI + b"\xef\xbb\xbf" + STOP + DONE),
    sse("data said twice", b"data: " + _HI + b"data: " + STOP + b"data: " + DONE),
    sse("data in the middle of a line", b"data: " + dumps(_H) + b"data: " + dumps(_I) + b"\n\n" + END),
    sse("a tab behind the colon", b"data:\t" + _HI[6:] + END),
    sse("a blank before data", b" " + _LINE + b"\n\n" + END),
    sse("data in capitals", b"DATA: " + _HI[6:] + END),
    sse("a form feed between events", _HI + b"\x0c" + END),
    sse("a separator before each document", b"\x1e" + dumps(delta(content="hi")) + b"\n\x1e" + dumps(delta("stop")) + b"\n"),
    sse("bytes 0 on a line of their own", b"\0\0\n" + _BOTH),
    sse("an id with a byte 0", b"id: a\0b\n" + _BOTH),
    sse("carriage returns twice", _BOTH.replace(b"\n", b"\r\r\n")),
    sse("separators of Unicode in the text", say("h\u2028\x85i") + END, Outcome("h\u2028\x85i", finish="stop")),
    sse("[DONE] in quotation marks", _HI + b'data: "[DONE]"\n\n', _UNFINISHED),
    sse("[DONE] and a blank", _HI + b"data: [DONE] \n\n", _UNFINISHED),
    sse("[DONE] without data", _HI + b"[DONE]\n\n", _UNFINISHED),
    sse("[DONE] in a document", _HI + b'data: {"done":true}\n\n'),
    sse("[DONE] twice", _BOTH + DONE),
    sse("[DONE] before all", DONE + _BOTH, failed("EMPTY")),
    sse("a comment as data", b"data: : keep-alive\n\n" + _BOTH),
    sse("data that is true", b"data: true\n\n" + _BOTH),
    sse("data that is a number", b"data: 1732\n\n" + _BOTH),
    sse("data that is an empty list", b"data: []\n\n" + _BOTH),
    sse("a field of errors", _HI + b'error: {"code":500,"message":"Broken."}\n\n', _BROKEN),
    sse("a field of errors at once", b'error: {"code":500,"message":"Broken."}\n\n', failed("FAILED", "Broken.")),
    sse("comments before a document", b": keep-alive\n\n" + dumps(_WHOLE), _READ),
    sse("the name of a result", b"id:1\nevent:result\n:HTTP_STATUS/200\n" + _BOTH),
    sse("a page behind the text", _HI + b"<html><body>502 Bad Gateway</body></html>", failed("FAILED", "502 Bad Gateway", text="hi")),
    *(sse(f"words behind the text: {words[:20]!r}", _HI + words, failed("FAILED", says, text="hi")) for words, says in (
        (b"Error: upstream timed out\n\n", "upstream timed out"), (b"Internal Server Error", "Internal Server Error"),
        (b"upstream connect error or disconnect/reset before headers\n", "upstream connect error"), (b"curl: (28) Operation timed out\n\n", "(28)"),
        (b'Traceback (most recent call last):\n  File "x.py", line 1\nRuntimeError: CUDA out of memory\n', "CUDA out of memory"),
    )),
    sse("words behind the text that tell nothing", _HI + b"whatever\n\n", Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    sse("words behind the finish", _HI + STOP + b"Error: x\n\n"),
    sse("words before more text", say("h") + b"Error: x\n\n" + say("i"), Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    sse("words alone", b"Error: rate limit exceeded\n", failed("RATE_LIMITED", "rate limit exceeded")),
    *(sse(f"chunks as Python writes them: {written[:25]!r}", b"data: " + written + b"\n\n" + END, Outcome("it's", finish="stop")) for written in (
        b"""{'choices': [{'index': 0, 'delta': {'content': "it's"}, 'finish_reason': None, 'x': True}]}""",
        b"""{'x': "None", 'choices': [{'index': 0, 'delta': {'content': 'it\\'s', 'y': '\\x41"'}, 'finish_reason': None, 'x': False}]}""",
        b"b'" + dumps(delta(content="it's")).replace(b"'", b"\\'") + b"'",
    )),
    sse("commas too many", b'data: {"choices":[{"index":0,"delta":{"content":"hi",},},],}\n\n' + END),
    sse("a comma and a bracket in a text", say("h,]") + END, Outcome("h,]", finish="stop")),
    sse("a page as data", _HI + b"data: <html><title>504</title></html>\n\n", failed("GARBLED", "504", text="hi")),
    sse("plain text as data", b"data: hi\n\n" + DONE, failed("GARBLED", "hi")),
    sse("Python as data", b"data: {'error': {'message': 'Broken.'}}\n\n", failed("FAILED", "Broken.")),
]  # fmt: skip


def encoded(name: str, encoding: str, body: bytes, outcome: Outcome = HI) -> Case:
    return served(name, _EVENTS, body, outcome, f"Content-Encoding: {encoding}")


ENCODINGS = [
    encoded("gzip that is none", "gzip", _BOTH),
    encoded("deflate that is none", "deflate", _BOTH),
    encoded("brotli that is none", "br", _BOTH),
    encoded("zstd that is none", "zstd", b"\xef\xbb\xbf" + _BOTH),
    encoded("chunked as an encoding", "chunked", _BOTH),
    encoded("zstd", "zstd", b"\x28\xb5\x2f\xfd\x04", failed("GARBLED", "(zstd)")),
    encoded("gzip twice", "gzip, gzip", gzip.compress(gzip.compress(_BOTH))),
    encoded("gzip twice, and it is once", "gzip, gzip", gzip.compress(_BOTH)),
    encoded("deflate within gzip", "deflate, gzip", gzip.compress(zlib.compress(_BOTH))),
    encoded("raw deflate within gzip, in three", "deflate, gzip, gzip", gzip.compress(gzip.compress(zlib.compress(_BOTH)[2:-4]))),
    encoded("gzip of brotli", "br, gzip", b"\x1f\x8bxx", failed("GARBLED", "(br, gzip)")),
    encoded("four within each other", "gzip, gzip, gzip, gzip", b"\x1f\x8bxx", failed("GARBLED", "gzip")),
    encoded("identity and gzip", "identity, gzip", gzip.compress(_BOTH, mtime=0)),
    encoded("GZIP", "GZIP", gzip.compress(_BOTH, mtime=0)),
    encoded("deflate that is gzip", "deflate", gzip.compress(_BOTH, mtime=0)),
    encoded("gzip that is deflate", "gzip", zlib.compress(_BOTH)),
    encoded("gzip with something behind it", "gzip", gzip.compress(_BOTH, mtime=0) + b"garbage"),
    encoded("gzip cut behind the finish", "gzip", gzip.compress(_HI + STOP, mtime=0)[:-8]),
    served("gzip that nobody speaks of", _EVENTS, gzip.compress(_BOTH, mtime=0)),
    served("gzip that nobody speaks of, of a document", "", gzip.compress(dumps({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}), mtime=0)),
    served("zstd that nobody speaks of", _EVENTS, b"\x28\xb5\x2f\xfd\x04\x00abcdefgh", failed("GARBLED", "compressed by zstd")),
    Case("a transfer in gzip and chunks", (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", *(b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) for data in (gzip.compress(_BOTH, mtime=0),))), HI),
    Case("a transfer in gzip", (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n\r\n", gzip.compress(_BOTH, mtime=0)), HI),
    *(Case(f"lengths: {name}", (b"HTTP/1.1 200 OK\r\n" + lines.replace(b"#", b"%d" % len(_BOTH)) + b"\r\n\r\n" + _BOTH,), outcome) for name, lines, outcome in (
        ("twice the same", b"Content-Length: #\r\nX: y\r\ncontent-length: #", HI),
        ("twice the same in a line", b"Content-Length: #, #", HI),
        ("two others", b"Content-Length: #\r\nContent-Length: 5", failed("GARBLED", "Content-Length")),
        ("a blank before the colon", b"Content-Length : #\r\nX-A\t: b", HI),
        ("one below nought", b"Content-Length: -5", failed("GARBLED", "Content-Length")),
    )),
    Case("a head that breaks off", (b"HTTP/1.1 200 OK\r\nContent-Type: text/ev",), failed("UNREACHABLE")),
    Case("a head byte by byte", tuple(bytes([byte]) for byte in head() + _BOTH), HI),
    served("a page that is called brotli", "text/html", b"<html><title>Sign in</title></html>", failed("GARBLED", "Sign in"), "Content-Encoding: br"),
    served("a character set of China's", "text/event-stream; charset=GBK", say("你") + END, Outcome("你", finish="stop")),
    served("bytes of no text", "application/octet-stream", _BOTH),
    served("a type that is none", ";;;", _BOTH),
    served("two types", "text/html", _BOTH, HI, "Content-Type: text/event-stream"),
]  # fmt: skip

DOCUMENTS = [
    served("a document and [DONE]", _JSON, dumps(_WHOLE) + b"\n\ndata: [DONE]\n\n", _READ),
    served("a list of a document", _JSON, dumps([_WHOLE]), _READ),
    served("documents in a list, a line each", _JSON, b"[\n" + b",\n".join(map(dumps, (_H, _I, delta("stop")))) + b"\n]"),
    served("documents on end", _JSON, b"".join(map(dumps, (_H, _I, delta("stop"))))),
    served("documents on several lines each", _JSON, b"\n".join(json.dumps(one, indent=1).encode() for one in (_H, _I, delta("stop")))),
    served("lines that end as in Windows", "application/x-ndjson", b"\r\n".join(map(dumps, (_H, _I, delta("stop"))))),
    served("lines with blank ones between them", "application/x-ndjson", b"\n\n\n".join(map(dumps, (_H, _I, delta("stop"))))),
    served("null", _JSON, b"null", failed("GARBLED", "null")),
    served("an empty object", _JSON, b"{}", failed("ENDED_EARLY")),
    served("an empty list", _JSON, b"[]", failed("ENDED_EARLY")),
    served("a limit in words", _JSON, b'"Too many requests"', failed("RATE_LIMITED", "Too many requests")),
    served("a limit in plain text", "text/plain", b"Rate limit exceeded", failed("RATE_LIMITED")),
    served("a key in plain text", "text/plain", b"Invalid API key", failed("UNAUTHORIZED")),
    served("the words of a proxy", "text/plain", b"upstream connect error or disconnect/reset before headers", failed("GARBLED", "upstream connect error")),
    served("XML", "application/xml", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>", failed("GARBLED", "No.")),
    Case("accepted, and no answer", (head(_JSON, "202 Accepted"), dumps({"id": "1", "status": "queued"})), failed("ENDED_EARLY")),
]  # fmt: skip

_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_NO_HTTP = failed("GARBLED", "HTTP")


def http(name: str, *acts: Act, outcome: Outcome = HI) -> Case:
    return Case(name, acts, outcome)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


HTTP = [
    http("an extension of a chunk", _CHUNKED + b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(_BOTH), _BOTH)),
    http("trailers", _CHUNKED + chunk(_BOTH) + b"0\r\nX-Sum: 1\r\n\r\n"),
    http("lengths with zeros", _CHUNKED + b"000%X\r\n%b\r\n0000\r\n\r\n" % (len(_BOTH), _BOTH)),
    http("no last chunk", _CHUNKED + chunk(_BOTH)),
    http("no last chunk, no [DONE]", _CHUNKED + chunk(_HI + STOP)),
    http("no last chunk, no finish", _CHUNKED + chunk(_HI), outcome=failed("BROKE", text="hi")),
    http("a negative length of a chunk", _CHUNKED + chunk(_HI) + b"-1\r\n", outcome=failed("GARBLED", text="hi")),
    http("a length that is too short", _OK + b"Content-Length: %d\r\n\r\n" % len(_HI) + _BOTH, outcome=Outcome("hi", status="interrupted", reason="PROVIDER_ENDED_EARLY")),
    http("a negative length", _OK + b"Content-Length: -1\r\n\r\n" + _BOTH, outcome=_NO_HTTP),
    http("a length and chunks", _OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(_BOTH), outcome=_NO_HTTP),
    http("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\n" + _BOTH),
    http("HTTP/0.9", _BOTH, outcome=_NO_HTTP),
    http("a frame of HTTP/2", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64", outcome=_NO_HTTP),
    http("an alert of TLS", b"\x15\x03\x01\0\x02\x02\x46", outcome=failed("GARBLED", "https://")),
    http("no words for the status", b"HTTP/1.1 200\r\nConnection: close\r\n\r\n" + _BOTH),
    http("a status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n" + _BOTH, outcome=_NO_HTTP),
    http("a folded header", _OK + b"X-A: 1\r\n  2\r\nConnection: close\r\n\r\n" + _BOTH),
    http("a header of Chinese", _OK + "X-A: 你好\r\nConnection: close\r\n\r\n".encode() + _BOTH),
    http("a header with a byte 0", _OK + b"X-A: a\0b\r\n\r\n" + _BOTH, outcome=_NO_HTTP),
    http("a header without a colon", _OK + b"nonsense\r\n\r\n" + _BOTH, outcome=_NO_HTTP),
    http("a header of 100 KB", _OK + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n" + _BOTH, outcome=_NO_HTTP),
    http("a blank line before the status", b"\r\n" + _OK + b"Connection: close\r\n\r\n" + _BOTH),
    http("news, twice", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n", head(), _BOTH),
    http("another protocol to switch to", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", outcome=failed("GARBLED")),
    http("205", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", outcome=failed("GARBLED", "nothing in it")),
    http("206", head(_EVENTS, "206 Partial Content"), _BOTH),
    http("a reset before the head", Reset(), outcome=failed("UNREACHABLE")),
    http("a reset in the head", b"HTTP/1.1 200 OK\r\nCont", Pause(0.01), Reset(), outcome=failed("UNREACHABLE")),
    http("an end in the head", b"HTTP/1.1 200 OK\r\nCont", outcome=failed("UNREACHABLE", "closed the connection")),
    http("an end behind the head", head(), outcome=failed("GARBLED", "nothing in it")),
    http("the head byte by byte", *[bytes([byte]) for byte in head() + _BOTH]),
    http("an error behind an error of HTTP", head(_JSON, "500 X", "Content-Encoding: br"), dumps(error("Broken.")), outcome=failed("FAILED", "Broken.")),
    http("a finish and then a broken chunk", _CHUNKED + chunk(_HI + STOP) + b"zz\r\n"),
    http("an event cut by a chunk", _CHUNKED + chunk(_BOTH[:20]) + chunk(_BOTH[20:]) + b"0\r\n\r\n"),
    http("an event in a chunk for each byte", _CHUNKED + b"".join(chunk(event(delta(content="hi"))[at : at + 1]) for at in range(len(_HI))) + chunk(END) + b"0\r\n\r\n"),
]  # fmt: skip

KINDS = {"lines": LINES, "encodings": ENCODINGS, "documents": DOCUMENTS, "http": HTTP}
