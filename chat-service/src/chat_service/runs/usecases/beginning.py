"""What each way to begin a run rests on, and how it comes to a connection."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

from chassis.db.transactions import OpenTransaction
from chat_service.prompt.domain import ContextWindow
from chat_service.prompt.memory import ModelMemory
from chat_service.providers.domain.connection import Connection, ResolveKey
from chat_service.runs.domain.admission import OtherConnection, RepeatedRequest
from chat_service.runs.domain.errors import ShuttingDown
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.generator import Generator
from chat_service.runs.usecases.to_the_end import ToTheEnd


class BeginsRuns:
    """Begins runs on behalf of replica `owner`, and has them generated.

    `memory` is what is known of models, None: nothing.
    """

    def __init__(
        self,
        open_transaction: OpenTransaction,
        resolve_key: ResolveKey,
        generator: Generator,
        *,
        owner: str,
        window: ContextWindow,
        limits: Limits,
        memory: ModelMemory | None = None,
    ) -> None:
        self._open_transaction = open_transaction
        self._resolve_key = resolve_key
        self._generator = generator
        self._owner = owner
        self._window = window
        self._limits = limits
        self._memory = memory or ModelMemory()
        # A caller who goes away must not leave a live run that nobody generates.
        self._to_the_end = ToTheEnd()

    async def _connect(self, key_id: UUID | None) -> Connection:
        if self._generator.draining:
            raise ShuttingDown()
        return await self._resolve_key(key_id)

    async def _begin(
        self,
        key_id: UUID | None,
        accept: Callable[[Connection, UUID | None], Coroutine[Any, Any, Run]],
    ) -> Run:
        """What `accept` returns for the connection, which is opened before any row is locked.

        It is called once more for another one if it raises OtherConnection. A repeated request gets
        the run that it began.
        """
        while True:
            connection = await self._connect(key_id)
            try:
                return await self._to_the_end(accept(connection, key_id))
            except RepeatedRequest as repeated:
                return repeated.run
            except OtherConnection as other:
                key_id = other.key_id
