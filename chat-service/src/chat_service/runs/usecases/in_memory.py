"""The runs in this replica's memory: their readers need no database."""

from typing import Protocol
from uuid import UUID

from chassis.caller import Caller
from chat_service.runs.domain.run import Run


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
