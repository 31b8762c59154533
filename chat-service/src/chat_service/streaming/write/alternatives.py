"""The connection to go on with where one has failed before the first of an answer."""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from chassis.errors import AppError
from chassis.telemetry.logging import get_logger
from chat_service.providers.domain.connection import Connection, ResolveKey
from chat_service.runs.domain.run import Run
from chat_service.streaming.write.verdict import Verdict

_log = get_logger(__name__)

#: Connections that are asked for one answer, with the first one.
MOST_CONNECTIONS: Final = 3

#: Tokens that the run's user has used of a connection today.
TokensUsed = Callable[[Run, UUID], Awaitable[int]]


class Alternatives:
    """Finds what a connection falls back to, once that is needed and not before."""

    def __init__(self, resolve_key: ResolveKey, tokens_used: TokensUsed) -> None:
        self._resolve_key = resolve_key
        self._tokens_used = tokens_used

    async def following(self, run: Run, tried: list[Connection]) -> Connection | None:
        """The connection behind the last of ``tried``, to which it is added.

        One whose tokens of the day are used up is passed over, and counts. None: there is none, three
        were tried, it was tried before, or it cannot be opened just now.
        """
        while len(tried) < MOST_CONNECTIONS:
            key_id = tried[-1].fallback_key_id
            if key_id is None or any(one.key_id == key_id for one in tried):
                return None
            try:
                connection = await self._resolve_key(key_id)
                tried.append(connection)
                if await self._has_tokens(run, connection):
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

    async def _has_tokens(self, run: Run, connection: Connection) -> bool:
        allowed = connection.daily_tokens
        return allowed is None or await self._tokens_used(run, connection.key_id) < allowed


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
