"""The runs in this replica's memory: where the database is away, their readers do without."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Protocol
from uuid import UUID

from chassis.caller import Caller
from chassis.errors import Unavailable
from chat_service.runs.domain.run import Run

# Nobody waits longer for a database that is away, where there is no need.
_DATABASE_SECONDS: Final = 1.0


class InMemory(Protocol):
    """What this replica generates, or has just generated, whoever's it is."""

    def find(self, run_id: UUID) -> Run | None:
        """The run as it was accepted."""

    def find_unsaved(self, session_id: UUID) -> Run | None:
        """The session's run that the database is not known to have whole."""


def own(caller: Caller, run: Run | None) -> Run | None:
    """The run if it is the caller's: what row-level security says of those in the database."""
    if run is None or (run.user_id, run.tenant_id) != (caller.user_id, caller.tenant_id):
        return None
    return run


async def known_or_in_memory(known: Coroutine[Any, Any, Run], here: Run | None) -> Run:
    """The run as the database knows it, which may know better than a replica that it is out of sight.

    `here`, which is in memory, if the database is away. Raises what `known` raises.
    """
    try:
        async with asyncio.timeout(None if here is None else _DATABASE_SECONDS):
            return await known
    except (Unavailable, TimeoutError):
        if here is None:
            raise
        return here
