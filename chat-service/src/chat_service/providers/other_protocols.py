"""Answers of another protocol than the one that a server was asked by: what to do about it."""

from collections.abc import Callable
from typing import Any, Final

from chat_service.providers.errors import ProviderGarbled

# Not a set: what a server has for a type may be anything.
_ANTHROPIC: Final = ("message_start", "content_block_start", "content_block_delta", "message")

_OTHERS: Final[tuple[tuple[Callable[[dict[str, Any]], bool], str], ...]] = (
    (
        lambda chunk: (
            chunk.get("type") == "content-delta" or isinstance(chunk.get("event_type"), str)
        ),
        "Cohere's own protocol; choose the base URL of its API like OpenAI's, which ends in /compatibility/v1",
    ),
    (
        lambda chunk: "contentBlockDelta" in chunk or "contentBlockIndex" in chunk,
        "Bedrock's own protocol; choose the base URL of its API like OpenAI's, which ends in /openai/v1",
    ),
    (
        lambda chunk: "generated_text" in chunk or isinstance(chunk.get("stop"), bool),
        "the protocol of completions of text, not chat completions; choose a base URL that ends in /v1",
    ),
)


def of_another_protocol(chunk: dict[str, Any]) -> ProviderGarbled | None:
    """The error that ``chunk`` means where a chat completion should be; None: nothing that is known."""
    kind = chunk.get("type")
    if kind in _ANTHROPIC and not isinstance(chunk.get("message"), str):
        return _error(
            "Anthropic's protocol; set the connection's provider to anthropic",
        )
    if isinstance(chunk.get("candidates"), list):
        return _error(
            "Google's own protocol; choose the base URL of its OpenAI-compatible API, which ends in "
            "/v1beta/openai",
        )
    if chunk.get("object") == "response" or (
        isinstance(kind, str) and kind.startswith("response.")
    ):
        return _error(
            "OpenAI's Responses API, not chat completions; choose the base URL that chat completions have",
        )
    for is_of, what in _OTHERS:
        if is_of(chunk):
            return _error(what)
    return None


def of_no_protocol() -> ProviderGarbled:
    """The error that an answer means in which nothing is known."""
    return ProviderGarbled(
        "JSON of no protocol that is known",
        detail="The model server answered in a shape that is not that of chat completions; check the base "
        "URL and the connection's provider.",
    )


def _error(what: str) -> ProviderGarbled:
    return ProviderGarbled(f"another protocol: {what}", detail=f"The model server speaks {what}.")
