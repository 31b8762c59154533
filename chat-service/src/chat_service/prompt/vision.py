"""Whether a model takes pictures, by what its server says of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from chat_service.prompt.memory import ModelMemory
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.errors import ProviderError

#: The models of a connection's server. Raises ProviderError.
ListsModels = Callable[[Connection], Awaitable[tuple[Model, ...]]]

# A question waits for it, once an hour at most.
_SECONDS: Final = 5.0


class Vision:
    """What is known of that, and found out where nothing is."""

    def __init__(self, models: ListsModels, memory: ModelMemory) -> None:
        self._models = models
        self._memory = memory

    async def __call__(self, connection: Connection, model: str) -> bool | None:
        """Whether the model takes pictures; None: nobody knows. Its server's list is looked at, within 5 s."""
        seen = self._memory.sees(connection, model)
        if seen is None and self._memory.wants_list(connection, model):
            try:
                async with asyncio.timeout(_SECONDS):
                    listed = await self._models(connection)
            except (ProviderError, TimeoutError):
                # What is wrong with the server the question shows.
                return None
            self._memory.note_list(connection, model, listed)
            seen = self._memory.sees(connection, model)
        return seen
