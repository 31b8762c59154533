"""What else may answer where a connection has failed before the first of an answer: it itself, asked with less,
or another one.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import FellBack
from chat_service.prompt.domain import shortened
from chat_service.prompt.memory import ModelMemory
from chat_service.providers.domain.connection import Connection, ResolveKey
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.run import Run
from chat_service.streaming.write.verdict import Verdict
from servicekit.generation_parameters import GenerationParameters

_log = get_logger(__name__)

#: Connections that are asked for one answer, with the first one.
MOST_CONNECTIONS: Final = 3

#: Whether the run's user may use more of a connection just now.
MayUse = Callable[[Run, Connection], Awaitable[bool]]
#: Has a live run's row say which connection goes on with it, and of whose failure.
NoteFallback = Callable[[Run], Awaitable[None]]


class Alternatives:
    """Finds what a connection falls back to, once that is needed and not before."""

    def __init__(
        self,
        resolve_key: ResolveKey,
        may_use: MayUse,
        note_fallback: NoteFallback,
        memory: ModelMemory,
    ) -> None:
        self._memory = memory
        self._resolve_key = resolve_key
        self._may_use = may_use
        self._note_fallback = note_fallback

    async def following(
        self, run: Run, tried: list[Connection], prompt: Sequence[PromptMessage] = ()
    ) -> Connection | None:
        """The connection behind the last of ``tried``, to which it is added.

        One of which nothing may be used any more just now is passed over, and counts, and so is one whose model is
        known to take no pictures, where ``prompt`` has some. None: there is none, three
        were tried, it was tried before, or it cannot be opened just now.
        """
        while len(tried) < MOST_CONNECTIONS:
            key_id = tried[-1].fallback_key_id
            if key_id is None or any(one.key_id == key_id for one in tried):
                return None
            try:
                connection = await self._resolve_key(key_id)
                tried.append(connection)
                if self._sees(connection, prompt) and await self._may_use(run, connection):
                    return connection
            except AppError as error:
                _log.warning(
                    "run.fallback_not_opened",
                    run_id=str(run.id),
                    key_id=str(key_id),
                    reason=error.reason,
                )
                return None
        return None

    async def note(
        self,
        run: Run,
        failed: Connection,
        verdict: Verdict,
        following: Connection,
        parameters: GenerationParameters,
    ) -> Run:
        """The run as it goes on with ``following``; whoever asks for the run is told so from now on.

        While the database is away they are told by the frame alone, and by the run's end.
        """
        first = run.fell_back or FellBack(failed.key_id, verdict.reason or "")
        run = replace(
            run,
            provider=following.provider,
            model=following.model,
            parameters=parameters,
            key_id=following.key_id,
            metered=following.metered,
            fell_back=first,
        )
        try:
            await self._note_fallback(run)
        except AppError as error:
            _log.warning("run.fallback_not_noted", run_id=str(run.id), reason=error.reason)
        return run

    def less(
        self,
        run: Run,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        most_tokens: int | None,
    ) -> tuple[Run, Sequence[PromptMessage]] | None:
        """What its model is given in place of a prompt that it refused as too long, and the run with the
        account of that; from now on it is given no more. ``most_tokens`` is what it takes in all, None: it did
        not say. None: there is no less to give than the question.
        """
        answer = run.parameters.max_tokens
        self._memory.note_refused(connection, run.model, prompt, answer=answer, most=most_tokens)
        fitted, shorter = self.fit(run, prompt, connection)
        return (fitted, shorter) if len(shorter) < len(prompt) else None

    def fit(
        self, run: Run, prompt: Sequence[PromptMessage], connection: Connection
    ) -> tuple[Run, Sequence[PromptMessage]]:
        """What the model of ``connection`` is given, which may take less; the run has the account of it."""
        budget = self._memory.budget(connection, run.model, run.parameters.max_tokens)
        shorter = shortened(prompt, budget)
        if run.context is None:
            return run, shorter
        return replace(run, context=run.context.shortened(shorter, budget)), shorter

    def _sees(self, connection: Connection, prompt: Sequence[PromptMessage]) -> bool:
        if not any(message.pictures for message in prompt):
            return True
        return self._memory.sees(connection, connection.model) is not False


def fallback_event(failed: Connection, verdict: Verdict, following: Connection) -> dict[str, Any]:
    """The data of the event that says which connection goes on, and why."""
    return {
        "from_key_id": str(failed.key_id),
        "reason": verdict.reason,
        "key_id": str(following.key_id),
        "key_name": following.name,
        "owner": following.owner,
        "provider": following.provider,
        "model": following.model,
    }
