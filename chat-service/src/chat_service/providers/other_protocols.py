"""Answers of another protocol than the one that a server was asked by: what to do about it."""

from typing import Any, Final

from chat_service.providers.errors import ProviderGarbled

# Not a set: what a server has for a type may be anything.
_ANTHROPIC: Final = ("message_start", "content_block_start", "content_block_delta", "message")


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
    return None


def _error(what: str) -> ProviderGarbled:
    return ProviderGarbled(f"another protocol: {what}", detail=f"The model server speaks {what}.")
