"""What each way to begin a run rests on, and how it comes to a connection."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError
from chat_service.files.domain.attachment import Attachment
from chat_service.prompt.attaching import ReadsFiles
from chat_service.prompt.memory import ModelMemory
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.connection import Connection, ResolveKey
from chat_service.providers.domain.errors import KeyNotFound, SessionKeyNotFound
from chat_service.providers.domain.prompt_message import Picture
from chat_service.runs.domain.admission import OtherConnection, RepeatedRequest
from chat_service.runs.domain.errors import ShuttingDown
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.generator import Generator
from chat_service.to_the_end import ToTheEnd
from chat_service.usage.domain.rules import NO_RULES, RulesInForce
from chat_service.words.domain.word_filter import InForce, no_words


class _Nothing:
    async def text(self, attachment: Attachment, characters: int) -> str | None:  # noqa: ARG002
        return None

    async def picture(self, attachment: Attachment) -> Picture | None:  # noqa: ARG002
        return None

    async def make_room(self, size: int) -> None:
        pass


def nothing_is_there(_: Run) -> ReadsFiles:
    """Where no files are kept."""
    return _Nothing()


async def nobody_knows(_connection: Connection, _model: str) -> bool | None:
    """Of every model."""
    return None


@dataclass(frozen=True, slots=True)
class RunMeans:
    """What it takes to begin a run, however it begins: `owner` is the replica that it belongs to then.

    `memory` is what is known of models: nothing at first. `in_force` are the words that no question may have,
    and `rules` say how much may be used. `reads_files` reads what is attached to a run's messages, and `sees`
    finds out whether a model takes pictures.
    """

    open_transaction: OpenTransaction
    resolve_key: ResolveKey
    generator: Generator
    owner: str
    window: ContextWindow
    limits: Limits
    memory: ModelMemory = field(default_factory=ModelMemory)
    in_force: InForce = no_words
    rules: RulesInForce = NO_RULES
    reads_files: Callable[[Run], ReadsFiles] = nothing_is_there
    sees: Callable[[Connection, str], Awaitable[bool | None]] = nobody_knows


class BeginsRuns:
    """Begins runs, and has them generated."""

    def __init__(self, means: RunMeans) -> None:
        self._means = means
        self._open_transaction = means.open_transaction
        self._generator = means.generator
        # A caller who goes away must not leave a live run that nobody generates.
        self._to_the_end = ToTheEnd()

    async def _connect(self, named: UUID | None, set_to: UUID | None) -> Connection:
        """The connection that was named, else the one that the session is set to, else the default one."""
        if self._generator.draining:
            raise ShuttingDown()
        if named is not None:
            return await self._means.resolve_key(named)
        try:
            return await self._means.resolve_key(set_to)
        except AppError as error:
            if set_to is not None and error.reason == KeyNotFound.reason:
                raise SessionKeyNotFound() from error
            raise

    async def _begin(
        self,
        named: UUID | None,
        set_to: UUID | None,
        accept: Callable[[Connection, UUID | None], Coroutine[Any, Any, Run]],
    ) -> Run:
        """What `accept` returns for the connection, which is opened before any row is locked, and for what
        the session was set to then.

        It is called once more for another one if it raises OtherConnection. A repeated request gets
        the run that it began.
        """
        while True:
            connection = await self._connect(named, set_to)
            try:
                return await self._to_the_end(accept(connection, set_to))
            except RepeatedRequest as repeated:
                return repeated.run
            except OtherConnection as other:
                set_to = other.key_id
