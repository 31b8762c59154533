"""Learns of models from what comes of asking them: how much they take, and how they count."""

import asyncio
from functools import partial
from typing import Final, Protocol

from chat_service.asides.ask import Asides
from chat_service.asides.behind import Ended
from chat_service.prompt.budget import estimate_of_prompt
from chat_service.prompt.memory import ModelMemory
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.errors import (
    ProviderCannotSee,
    ProviderContextTooLong,
    ProviderTimedOut,
)

PURPOSE: Final = "models"
#: Shorter prompts fit every model, and of what stands around them there is too much to count by.
_CHARACTERS: Final = 4000
_COUNTED_CHARACTERS: Final = 600
_SECONDS: Final = 15.0


class Servers(Protocol):
    """Model servers, behind the address policy."""

    async def models(self, connection: Connection) -> tuple[Model, ...]:
        """What models its server has. Raises ProviderError."""
        ...


class Learning:
    """Hears of runs' ends."""

    def __init__(self, asides: Asides, servers: Servers, memory: ModelMemory) -> None:
        self._asides = asides
        self._servers = servers
        self._memory = memory

    def __call__(self, ended: Ended) -> None:
        """Takes in what the run says of its model; its server's list is looked at as an aside."""
        connection, model = ended.connection, ended.run.model
        texts = [message.content for message in ended.prompt]
        characters = sum(map(len, texts))
        if ended.ending.reason == ProviderContextTooLong.reason:
            self._memory.note_refused(
                connection,
                model,
                ended.prompt,
                answer=ended.run.parameters.max_tokens,
                most=ended.most_tokens,
            )
        usage = ended.ending.usage
        if ended.ending.reason == ProviderCannotSee.reason:
            self._memory.note_cannot_see(connection, model)
        if (
            usage is not None
            # What a picture is counted for differs too much to learn of text by it.
            and not any(message.pictures for message in ended.prompt)
            and characters >= _COUNTED_CHARACTERS
            and self._memory.wants_usage(connection, model)
        ):
            self._memory.note_usage(
                connection,
                model,
                estimated=estimate_of_prompt(texts),
                reported=usage.prompt_tokens,
            )
        if characters >= _CHARACTERS and self._memory.wants_list(connection, model):
            self._asides.begin(PURPOSE, partial(self._look, connection, model))

    async def _look(self, connection: Connection, model: str) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                listed = await self._servers.models(connection)
        except TimeoutError:
            raise ProviderTimedOut("the list of models did not come") from None
        self._memory.note_list(connection, model, listed)
