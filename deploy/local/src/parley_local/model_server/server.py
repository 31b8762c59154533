"""The connections: one request at a time, answered as the model's name says."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from itertools import count
from typing import cast
from urllib.parse import unquote

import orjson

from parley_local.model_server import encoding
from parley_local.model_server.behaviours import RULES
from parley_local.model_server.counters import Counters
from parley_local.model_server.encoding import ChunkEncoder, Encoder
from parley_local.model_server.messages.cache import PromptCache
from parley_local.model_server.messages.encoding import MessageEncoder, error_body
from parley_local.model_server.messages.models import facts_of, model_of
from parley_local.model_server.messages.request import MessageRequest, parse_message_request
from parley_local.model_server.pictures import FORMS, told_of
from parley_local.model_server.player import Player
from parley_local.model_server.reader import RequestReader
from parley_local.model_server.request import (
    BadRequestError,
    Completion,
    Request,
    describe,
    parse_completion,
)
from parley_local.model_server.script import ScriptPlayer
from parley_local.model_server.steps import (
    Answer,
    Behaviour,
    Flaky,
    Redirect,
    Refusal,
    Script,
    Silence,
)
from parley_local.model_server.strict_roles import behaviour_for
from parley_local.model_server.tokens import estimated_tokens
from parley_local.model_server.whole import WholeAnswer, whole_answer

_TRAP = "/redirected"
_MODEL = "/v1/models/"
_STATUSES = frozenset(status.value for status in HTTPStatus)
_STREAM_HEAD = b"\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
_DUPLICATE = "chatcmpl-duplicate"


class ModelServer:
    """Counters and numbering that the connections share."""

    def __init__(self, *, show_messages: bool = False, scripts: Mapping[str, Script] = {}) -> None:
        """``scripts``: by the model's name, before all other behaviours."""
        self.scripts = scripts
        self.counters = Counters()
        self.prompts = PromptCache()
        self.show_messages = show_messages
        self._numbers = count(1)

    def connection(self) -> "Connection":
        return Connection(self)

    def completion_id(self) -> str:
        return f"chatcmpl-{next(self._numbers):012d}"


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive; what is pipelined waits for the answer before it."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server
        self._counters = server.counters
        self._requests = RequestReader(self._go_on)
        # While an answer is under way no further request is read.
        self._answering = False
        self._keep_alive = True
        # Of the last request: its errors have that API's shape.
        self._speaks_messages = False
        self._player: Player | ScriptPlayer | None = None
        self._timer: asyncio.Handle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._answering:
            return
        self._answering = False
        self._counters.open -= 1
        if not (isinstance(self._player, ScriptPlayer) and self._player.has_ended):
            self._counters.closed_by_client += 1
        if self._player is not None:
            self._player.stop()
        if self._timer is not None:
            self._timer.cancel()

    def pause_writing(self) -> None:
        if isinstance(self._player, Player):
            self._player.pause()

    def resume_writing(self) -> None:
        if isinstance(self._player, Player):
            self._player.resume()

    def data_received(self, data: bytes) -> None:
        if not self._requests.feed(data):
            self._transport.abort()
        elif not self._answering:
            self._read()

    def _go_on(self) -> None:
        self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read(self) -> None:
        while not self._answering and not self._transport.is_closing():
            try:
                # Until a head is understood nobody knows where the next request begins.
                self._keep_alive = False
                request = self._requests.next()
                if request is None:
                    return
                self._keep_alive = request.keep_alive
                self._dispatch(request)
            except BadRequestError as refused:
                self._error(refused.status, "invalid_request_error", refused.message)

    def _dispatch(self, request: Request) -> None:
        self._speaks_messages = request.speaks_messages
        match request.method, request.path:
            case "GET", "/counters":
                self._json(HTTPStatus.OK, self._counters.as_json())
            case "POST", "/reset":
                self._counters.reset()
                self._json(HTTPStatus.OK, self._counters.as_json())
            case _, path if path == _TRAP:
                self._counters.redirects_followed += 1
                self._error(HTTPStatus.NOT_FOUND, "not_found", "Nobody should have come here.")
            case _ if request.key is None:
                self._counters.unauthorized += 1
                self._error(HTTPStatus.UNAUTHORIZED, "invalid_api_key", "No API key was provided.")
            case "POST", "/v1/messages":
                asked = parse_message_request(request.body, request.headers)
                self._complete(request, asked.completion, asked)
            case "GET", path if path.startswith(_MODEL) and request.speaks_messages:
                self._tell_of(unquote(path.removeprefix(_MODEL)))
            case "GET", "/v1/models":
                self._json(HTTPStatus.OK, _models())
            case "POST", "/v1/chat/completions":
                self._complete(request, parse_completion(request.body))
            case _:
                self._error(HTTPStatus.NOT_FOUND, "not_found", "There is no such page.")

    def _tell_of(self, model: str) -> None:
        self._counters.calls[f"models/{model}"] += 1
        if model_of(model).tells:
            self._json(HTTPStatus.OK, facts_of(model))
        else:
            self._error(HTTPStatus.NOT_FOUND, "not_found_error", f"model: {model}")

    def _complete(
        self, request: Request, asked: Completion, message: MessageRequest | None = None
    ) -> None:
        counters = self._counters
        counters.calls[asked.model] += 1
        counters.last_request = describe(request, asked, show_messages=self._server.show_messages)
        script = self._server.scripts.get(asked.model)
        behaviour = script or behaviour_for(asked)
        if isinstance(behaviour, Flaky):
            failing = counters.calls[asked.model] <= behaviour.failures
            behaviour = behaviour.refusal if failing else behaviour.answer
        self._behave(behaviour, request, asked, message)

    def _behave(
        self,
        behaviour: Behaviour | None,
        request: Request,
        asked: Completion,
        message: MessageRequest | None,
    ) -> None:
        match behaviour:
            case Answer():
                self._answering = True
                self._counters.open += 1
                self._answer(behaviour, asked, self._encoder(behaviour, request, asked, message))
            case Silence():
                self._answering = True
                self._counters.open += 1
            case Script(acts):
                self._answering = True
                self._counters.open += 1
                self._player = ScriptPlayer(self._transport, acts)
                self._player.go_on()
            case Refusal():
                quoted = f"{request.key}." if behaviour.quotes_key else ""
                self._error(
                    behaviour.status,
                    behaviour.code,
                    behaviour.message + quoted,
                    dict(behaviour.headers),
                )
            case Redirect():
                host, port = self._transport.get_extra_info("sockname")[:2]
                location = {"Location": f"http://{host}:{port}{_TRAP}"}
                self._json(HTTPStatus.TEMPORARY_REDIRECT, {}, location)
            case _:
                self._error(HTTPStatus.NOT_FOUND, "model_not_found", "There is no such model.")

    def _encoder(
        self, answer: Answer, request: Request, asked: Completion, message: MessageRequest | None
    ) -> Encoder:
        if message is not None:
            usage = self._server.prompts.read(request.key or "", message.model, message.blocks)
            self._counters.last_prompt = asdict(usage)
            message_id = self._server.completion_id().replace("chatcmpl-", "msg_")
            shown = message.shown_thinking
            return MessageEncoder(message_id, asked.model, usage, shows_thinking=shown)
        env = encoding.envelope(
            _DUPLICATE if answer.duplicate_ids else self._server.completion_id(),
            asked.model,
            usage=asked.include_usage,
            sse_id="1" if answer.duplicate_ids else None,
        )
        prompt_tokens = estimated_tokens(text for _, text in asked.messages)
        return ChunkEncoder(env, prompt_tokens, asked.include_usage)

    def _answer(self, answer: Answer, asked: Completion, encoder: Encoder) -> None:
        if not asked.stream:
            whole = whole_answer(
                _DUPLICATE if answer.duplicate_ids else self._server.completion_id(),
                asked.model,
                answer.steps,
                prompt_tokens=estimated_tokens(text for _, text in asked.messages),
            )
            if whole.ending != "never":
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(whole.after, self._answer_whole, whole)
            return
        player = Player(self._transport, encoder, answer.steps, on_end=self._answered)
        self._player = player
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: " + answer.content_type + _STREAM_HEAD
        )
        player.begin(greet=answer.greets)

    def _answer_whole(self, whole: WholeAnswer) -> None:
        self._timer = None
        cut = whole.ending == "cut"
        body = whole.body[: len(whole.body) // 2] if cut else whole.body
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(whole.body), body)
        )
        self._answered(not cut)

    def _answered(self, keep: bool) -> None:
        self._player = None
        self._answering = False
        self._counters.open -= 1
        if keep and self._keep_alive:
            # Not from within data_received's own loop, which may be what called.
            asyncio.get_running_loop().call_soon(self._read)
        else:
            self._transport.close()

    def _error(self, status: int, code: str, message: str, headers: Mapping[str, str] = {}) -> None:
        error: dict[str, object] = {
            "error": {"message": message, "type": "scripted_error", "param": None, "code": code}
        }
        if self._speaks_messages:
            error = error_body(status, message)
        self._json(status, error, headers)

    def _json(self, status: int, content: object, headers: Mapping[str, str] = {}) -> None:
        body = orjson.dumps(content)
        # Model servers have statuses of their own, such as 529.
        phrase = HTTPStatus(status).phrase if status in _STATUSES else "Unknown"
        lines = [f"HTTP/1.1 {int(status)} {phrase}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if not self._keep_alive:
            lines.append("Connection: close")
        lines += [f"Content-Length: {len(body)}", "", ""]
        self._transport.write("\r\n".join(lines).encode("latin-1") + body)
        if not self._keep_alive:
            self._transport.close()


def _models() -> dict[str, object]:
    """An example of each form of name."""
    return {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 0, "owned_by": "parley", **told_of(name)}
            for name in (*(rule.example for rule in RULES), *(form for form, _ in FORMS))
        ],
    }
