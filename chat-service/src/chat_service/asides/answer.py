"""A short answer of a model as it is read, and what makes it whole."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Final

from chassis.telemetry.redaction import hide
from chat_service.answer.domain.ending import RunStatus, Usage, known_finish_reason
from chat_service.answer.domain.frame import storable
from chat_service.asides.errors import AsideFailed
from chat_service.asides.refusal import is_refusal
from chat_service.prompt.said import without_thinking
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import (
    ProviderCalledTool,
    ProviderContentRefused,
    ProviderEmpty,
    ProviderEndedEarly,
    ProviderError,
)
from chat_service.providers.port import TEXT, End, Part, Provider, read_at_once
from chat_service.usage.domain.spent import Tokens, tokens_of
from servicekit.generation_parameters import GenerationParameters

#: What the longest may be, thinking included.
MOST_CHARACTERS: Final = 64 * 1024
# Finish reasons of what is no answer, or a part of one.
_NOT_WHOLE: Final[dict[str | None, str]] = {
    "length": "ANSWER_CUT",
    "content_filter": ProviderContentRefused.reason,
    **dict.fromkeys(("tool_calls", "function_call"), ProviderCalledTool.reason),
}


class Answer:
    """One answer as it is read; ``prompt`` is what was asked."""

    def __init__(self, prompt: Sequence[PromptMessage]) -> None:
        self._prompt = prompt
        self._said: list[Part] = []
        self._characters = 0
        self._usage: Usage | None = None
        self._refused = False
        #: What has come of it by now.
        self.status = RunStatus.INTERRUPTED

    @property
    def tokens(self) -> Tokens:
        """What it has cost so far, by the rule for runs."""
        return tokens_of(
            RunStatus.FAILED if self._refused else RunStatus.INTERRUPTED,
            self._usage,
            prompt_bytes=sum(len(message.content.encode()) for message in self._prompt),
            answer_bytes=sum(len(text.encode(errors="replace")) for _, text in self._said),
        )

    async def read(
        self, provider: Provider, connection: Connection, model: str, max_tokens: int
    ) -> str:
        """The text, whole. Raises AsideFailed, and ProviderError for what the server makes of it."""
        for secret in connection.secrets():
            hide(secret)
        finish_reason, end = None, None
        pieces = provider.stream(
            connection,
            self._prompt,
            model=model,
            parameters=GenerationParameters(max_tokens=max_tokens).over(connection.parameters),
            next_read=read_at_once,
        )
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    self._usage = piece.usage or self._usage
                    finish_reason = piece.finish_reason or finish_reason
                    end = piece.end
                    self._said += piece.parts
                    self._characters += piece.characters
                    if self._characters > MOST_CHARACTERS:
                        raise AsideFailed("ANSWER_TOO_LARGE")
        except ProviderError:
            self._refused, self.status = True, RunStatus.FAILED
            raise
        self.status = RunStatus.FAILED
        if end is not End.WHOLE:
            raise AsideFailed(ProviderEndedEarly.reason)
        word = known_finish_reason(finish_reason)
        if word != "stop":
            raise AsideFailed(_NOT_WHOLE.get(word, "ANSWER_NOT_WHOLE"))
        text = "".join(text for kind, text in self._said if kind == TEXT)
        text = without_thinking(storable(text)).strip()
        if not text:
            raise AsideFailed(ProviderEmpty.reason)
        if is_refusal(text):
            raise AsideFailed("ANSWER_REFUSED")
        self.status = RunStatus.COMPLETED
        return text
