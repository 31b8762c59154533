"""HTTP/1.1 requests out of a byte buffer, and what a completion request asks."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from parley_local.model_server.pictures import Picture, picture_of

MAX_BODY = 8 * 1024 * 1024
MAX_HEAD = 64 * 1024


class BadRequestError(Exception):
    """Answered with this status in OpenAI's shape."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool

    @property
    def bearer(self) -> str | None:
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() or None if scheme.lower() == "bearer" else None

    @property
    def speaks_messages(self) -> bool:
        """Whether it is of Anthropic's API."""
        return self.path == "/v1/messages" or "anthropic-version" in self.headers

    @property
    def key(self) -> str | None:
        """The key, where the request's API has it."""
        own = self.headers.get("x-api-key") if self.speaks_messages else None
        return own or self.bearer


@dataclass(frozen=True, slots=True)
class Head:
    """A request's head, and how long its body will be."""

    method: str
    path: str
    headers: Mapping[str, str]
    keep_alive: bool
    length: int


def parse_head(raw: bytes) -> Head:
    """Raises BadRequestError for what is not HTTP/1.x, has no countable body, or one above MAX_BODY."""
    lines = raw.decode("latin-1").split("\r\n")
    try:
        method, target, version = lines[0].split(" ")
    except ValueError:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "This is not HTTP/1.1.") from None
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequestError(HTTPStatus.LENGTH_REQUIRED, "Send a Content-Length.")
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "The Content-Length is no number.")
    if int(length) > MAX_BODY:
        raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is above 8 MiB.")
    connection = headers.get("connection", "").lower()
    keep = connection == "keep-alive" if version == "HTTP/1.0" else connection != "close"
    return Head(method, target.partition("?")[0], headers, keep, int(length))


@dataclass(frozen=True, slots=True)
class Completion:
    """What a body of POST /v1/chat/completions asks."""

    model: str
    stream: bool
    include_usage: bool
    # (role, text) of each message.
    messages: tuple[tuple[str, str], ...]
    parameters: Mapping[str, object]
    pictures: tuple[Picture, ...] = ()

    @property
    def question(self) -> str:
        """The last user message's text, empty if there is none."""
        return next((text for role, text in reversed(self.messages) if role == "user"), "")


def parse_completion(body: bytes) -> Completion:
    """Raises BadRequestError for what is not a completion request."""
    try:
        asked = orjson.loads(body)
        model, messages = asked["model"], asked["messages"]
        said = tuple((str(one["role"]), _text(one.get("content"))) for one in messages)
        pictures = tuple(picture for one in messages for picture in _pictures(one.get("content")))
        options = asked.get("stream_options") or {}
        include_usage = bool(options.get("include_usage"))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "This is no completion request.") from None
    if not isinstance(model, str) or not said:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "A model and messages are required.")
    parameters = {key: asked[key] for key in asked.keys() - {"model", "messages", "stream"}}
    return Completion(model, bool(asked.get("stream")), include_usage, said, parameters, pictures)


def describe(request: Request, asked: Completion, *, show_messages: bool) -> dict[str, object]:
    """What `/counters` tells of a request: the key as a digest; the texts only if that was asked for.

    `received_at` is of the machine's monotonic clock, which all its processes share.
    """
    told: dict[str, object] = {
        "received_at": time.monotonic(),
        "model": asked.model,
        "stream": asked.stream,
        "messages": len(asked.messages),
        "roles": [role for role, _ in asked.messages],
        "characters": [len(text) for _, text in asked.messages],
        "pictures": [[one.media_type, one.size] for one in asked.pictures],
        "parameters": asked.parameters,
        "headers": sorted(request.headers),
        "key_sha256": hashlib.sha256((request.key or "").encode()).hexdigest(),
    }
    if show_messages:
        told["texts"] = [text for _, text in asked.messages]
    return told


def _text(content: object) -> str:
    match content:
        case None:
            return ""
        case str():
            return content
        case list():
            return "".join(str(part["text"]) for part in content if part["type"] == "text")
        case _:
            raise TypeError("content is text, parts or null")


def _pictures(content: object) -> list[Picture]:
    parts = content if isinstance(content, list) else []
    return [picture for part in parts if (picture := picture_of(part)) is not None]
