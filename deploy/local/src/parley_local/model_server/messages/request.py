"""What a body of POST /v1/messages asks, and all that the real server refuses in one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from parley_local.model_server.messages.models import MAX_TOKENS, Model, model_of
from parley_local.model_server.pictures import Picture, picture_of
from parley_local.model_server.request import BadRequestError, Completion

_FIELDS = frozenset(
    {"model", "messages", "max_tokens", "system", "stream", "temperature", "top_p", "top_k"}
    | {"stop_sequences", "thinking", "output_config", "metadata", "service_tier"}
)
_MOST_MARKS = 4
_LEAST_BUDGET = 1024
# From this version on how a model samples is its own affair.
_WITHOUT_SAMPLING = "2026-10-21"
_ROLES = ("user", "assistant")


@dataclass(frozen=True, slots=True)
class Block:
    """One text of the prompt, in order; `role` is "system" for those that stand apart."""

    role: str
    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class MessageRequest:
    """A request that the real server would take; `shown_thinking`: thinking is answered as well."""

    model: str
    blocks: tuple[Block, ...]
    parameters: Mapping[str, object]
    shown_thinking: bool
    pictures: tuple[Picture, ...] = ()

    @property
    def question(self) -> str:
        """The last user message's text."""
        return self.completion.question

    @property
    def completion(self) -> Completion:
        """The same as a completion request: what behaviours and counters look at."""
        said = tuple((block.role, block.text) for block in self.blocks)
        return Completion(self.model, True, True, said, self.parameters, self.pictures)


def parse_message_request(body: bytes, headers: Mapping[str, str]) -> MessageRequest:
    """Raises BadRequestError with the sentence of the real server."""
    version = headers.get("anthropic-version", "")
    if not version:
        raise _refused("anthropic-version: header is required")
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _refused("The request body is not valid JSON") from None
    if not isinstance(asked, dict):
        raise _refused("The request body is not valid JSON")
    for name in ("model", "messages", "max_tokens"):
        if name not in asked:
            raise _refused(f"{name}: Field required")
    for name in asked:
        if name not in _FIELDS:
            raise _refused(f"{name}: Extra inputs are not permitted")
    if asked.get("stream") is not True:
        raise _refused("stream: this server only streams")
    blocks = (*_system(asked.get("system")), *_messages(asked["messages"]))
    marks = sum(block.marked for block in blocks)
    if marks > _MOST_MARKS:
        raise _refused(f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.")
    model = model_of(asked["model"])
    if version >= _WITHOUT_SAMPLING:
        for name in ("temperature", "top_p", "top_k"):
            if name in asked:
                raise _refused(f"{name}: not supported in version {version}")
    _check_numbers(asked, model)
    shown = _check_thinking(asked, model)
    for stop in asked.get("stop_sequences", ()):
        if not isinstance(stop, str) or not stop.strip():
            raise _refused("stop_sequences: each stop sequence must contain non-whitespace")
    parameters = {
        key: asked[key] for key in asked.keys() - {"model", "messages", "system", "stream"}
    }
    return MessageRequest(asked["model"], blocks, parameters, shown, _pictures(asked["messages"]))


def _pictures(messages: list[Any]) -> tuple[Picture, ...]:
    parts = (part for message in messages for part in _parts(message.get("content")))
    return tuple(picture for part in parts if (picture := _picture(part)) is not None)


def _picture(part: Any) -> Picture | None:
    try:
        return picture_of(part)
    except ValueError:
        raise _refused("messages: Could not process image") from None


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else []


def _refused(sentence: str) -> BadRequestError:
    return BadRequestError(HTTPStatus.BAD_REQUEST, sentence)


def _system(system: Any) -> Iterator[Block]:
    if system is not None:
        yield from _blocks("system", system, "system")


def _messages(messages: Any) -> Iterator[Block]:
    if not isinstance(messages, list) or not messages:
        raise _refused("messages: at least one message is required")
    before = "assistant"
    for at, message in enumerate(messages):
        role = message.get("role")
        if role not in _ROLES:
            raise _refused(f"messages.{at}.role: Input should be 'user' or 'assistant'")
        if role == before:
            raise _refused(
                'messages: roles must alternate between "user" and "assistant", but found multiple '
                f'"{role}" roles in a row'
                if at
                else 'messages: first message must use the "user" role'
            )
        before = role
        yield from _blocks(role, message.get("content"), f"messages.{at}.content")
    if before != "user":
        raise _refused("This model does not support assistant message prefill.")


def _blocks(role: str, content: Any, where: str) -> Iterator[Block]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list) or not content:
        raise _refused(f"{where}: Input should be a valid list")
    for block in content:
        if role == "user" and block.get("type") == "image":
            continue
        text = block.get("text")
        if block.get("type") != "text" or not isinstance(text, str):
            raise _refused(f"{where}: this server takes text alone")
        if not text:
            raise _refused(f"{where}: text content blocks must be non-empty")
        if not text.strip():
            raise _refused(f"{where}: text content blocks must contain non-whitespace text")
        mark = block.get("cache_control")
        if mark is not None and mark.get("type") != "ephemeral":
            raise _refused(f"{where}.cache_control.type: Input should be 'ephemeral'")
        yield Block(role, text, mark is not None)


def _check_numbers(asked: Mapping[str, Any], model: Model) -> None:
    most = asked["max_tokens"]
    if not isinstance(most, int) or most < 1:
        raise _refused("max_tokens: Input should be greater than or equal to 1")
    if most > MAX_TOKENS:
        raise _refused(
            f"max_tokens: {most} > {MAX_TOKENS}, which is the maximum allowed number of output tokens "
            f"for {asked['model']}"
        )
    temperature, top_p = asked.get("temperature"), asked.get("top_p")
    for name, value in (("temperature", temperature), ("top_p", top_p)):
        if value is None:
            continue
        if not model.temperature:
            raise _refused(f"`{name}` is deprecated for this model.")
        if not 0 <= value <= 1:
            raise _refused(f"{name}: Input should be less than or equal to 1")
    if temperature is not None and top_p is not None:
        raise _refused(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        )


def _check_thinking(asked: Mapping[str, Any], model: Model) -> bool:
    """Whether the answer shows thinking."""
    effort = (asked.get("output_config") or {}).get("effort")
    if effort is not None and not model.efforts:
        raise _refused("This model does not support the effort parameter.")
    thinking = asked.get("thinking")
    if thinking is None:
        return False
    kind = thinking.get("type")
    if kind not in model.thinking:
        raise _refused(
            f'"thinking.type.{kind}" is not supported for this model.'
            if model.thinking != ("disabled",)
            else "This model does not support thinking."
        )
    if kind == "disabled":
        return False
    if kind == "enabled":
        budget = thinking.get("budget_tokens", 0)
        if budget < _LEAST_BUDGET:
            raise _refused(
                "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
            )
        if budget >= asked["max_tokens"]:
            raise _refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if asked.get("temperature", 1) != 1:
        raise _refused("`temperature` may only be set to 1 when thinking is enabled.")
    return True
