"""A model server that says what it was sent, wherever a server can say anything."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .canary import SPELLINGS

#: Parts of a response as they go over the wire; between two of them there is a pause.
Parts = Sequence[bytes]
_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_PAUSE_SECONDS = 0.02


def _response(status: int, body: bytes, *heads: str, phrase: str = "X") -> Parts:
    lines = "".join(f"{head}\r\n" for head in heads)
    head = f"HTTP/1.1 {status} {phrase}\r\n{lines}Connection: close\r\n\r\n"
    return [head.encode("latin-1") + body]


def _json(status: int, value: Any, *heads: str) -> Parts:
    return _response(status, json.dumps(value).encode(), "Content-Type: application/json", *heads)


def _error(said: str) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"message": f"Incorrect key: {said}.", "type": said, "code": said, "param": said},
    }


def _event(value: Any, name: str = "") -> bytes:
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(value)}\n\n".encode()


def _texts(*texts: str, **more: Any) -> bytes:
    """Of both protocols at once: each reads its own."""
    return b"".join(
        _event(
            {
                "type": "content_block_delta",
                "delta": {"type": "text_delta", "text": text},
                "choices": [{"delta": {"content": text}, "index": 0}],
                **more,
            }
        )
        for text in texts
    )


def _stop(reason: str, **more: Any) -> bytes:
    stopped = {
        "type": "message_delta",
        "delta": {"stop_reason": reason},
        "choices": [{"delta": {}, "index": 0, "finish_reason": reason}],
        **more,
    }
    return _event(stopped) + _event({"type": "message_stop"}) + b"data: [DONE]\n\n"


def _split(said: str) -> Parts:
    event = _event(_error(said))
    middle = event.index(b"Incorrect") + 30
    return [_EVENTS + _texts("word"), event[:middle], event[middle:]]


def _name(said: str) -> str:
    return "".join(letter for letter in said if letter.isalnum())


#: By the model's name, what is said of a text.
CHANNELS: dict[str, Callable[[str], Parts]] = {
    "401": lambda said: _json(401, _error(said)),
    "400": lambda said: _json(400, _error(said)),
    "429": lambda said: _json(
        429, _error(said), f"Retry-After: {said}", f"WWW-Authenticate: Bearer {said}", f"X: {said}"
    ),
    "500": lambda said: _response(500, said.encode(), "Content-Type: text/plain", phrase=said),
    "redirect": lambda said: _response(
        302, b"", f"Location: https://{_name(said)[:200]}.example/{said}", f"Set-Cookie: k={said}"
    ),
    "page": lambda said: _response(
        200, f"<html><title>{said}</title>{said}".encode(), "Content-Type: text/html"
    ),
    "page-502": lambda said: _response(
        502, f"<html><h1>{said}</h1>".encode(), "Content-Type: text/html"
    ),
    "type": lambda said: _response(200, said.encode(), f"Content-Type: {said}"),
    "encoding": lambda said: _response(200, said.encode(), f"Content-Encoding: {said}"),
    "no-json": lambda said: [_EVENTS + _texts("word") + f"data: {said}\n\n".encode()],
    "document": lambda said: _json(200, _error(said)),
    "mid-error": lambda said: [_EVENTS + _texts("word") + _event(_error(said), "error")],
    "split": _split,
    "finish": lambda said: [
        _EVENTS + _texts("word", id=said, model=said) + _stop(said, model=said, id=said)
    ],
    "names": lambda said: [
        _EVENTS
        + f": {said}\nid: {said}\nretry: {said}\n\n".encode()
        + f"event: {said}\ndata: {{}}\n\n".encode()
        + _texts("word", service_tier=said)
        + _stop("stop", usage={said: 1, "prompt_tokens": said})
    ],
    "text": lambda said: [_EVENTS + _texts("It is ", said, ".") + _stop("stop")],
}
STALL = "stall"


def _models(said: Sequence[str]) -> Parts:
    entries: list[Any] = [{"id": one, "object": one, "owned_by": one} for one in said]
    return _json(200, {"object": "list", "data": [{"id": "a-model"}, *entries]})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        said = [spell(one) for one in self._sent() for spell in SPELLINGS.values()]
        self._say(_models(said))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        channel, _, spelling = json.loads(body)["model"].partition(": ")
        if channel == STALL:
            self._say([_EVENTS + _texts("one ", "two ")])
            self.server.stalled.set()  # type: ignore[attr-defined]
            self.server.over.wait()  # type: ignore[attr-defined]
            return
        spell = SPELLINGS.get(spelling, str)
        said = " and ".join(spell(one) for one in self._sent())
        self._say(CHANNELS.get(channel, CHANNELS["401"])(said))

    def _sent(self) -> list[str]:
        """What came along as a secret."""
        key = self.headers["Authorization"] or f"Bearer {self.headers['x-api-key']}"
        return [key.removeprefix("Bearer "), *self.headers.get_all("x-house", [])]

    def _say(self, parts: Parts) -> None:
        self.close_connection = True
        for at, part in enumerate(parts):
            if at:
                time.sleep(_PAUSE_SECONDS)
            self.wfile.write(part)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing: what it says is looked for."""


class Parrot(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        #: Whether some answer stands still by now; and set once it may end.
        self.stalled, self.over = threading.Event(), threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is none."""


@contextmanager
def running_parrot() -> Iterator[Parrot]:
    parrot = Parrot()
    thread = threading.Thread(target=parrot.serve_forever, daemon=True)
    thread.start()
    try:
        yield parrot
    finally:
        parrot.over.set()
        parrot.shutdown()
        parrot.server_close()
        thread.join()
