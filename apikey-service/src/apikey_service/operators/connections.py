"""The operator's connections in force, taken anew when their file changes."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from apikey_service.domain.key import Learnt, Outcome
from apikey_service.domain.operator_connection import OperatorConnection
from apikey_service.operators.connections_file import ConnectionsReading
from apikey_service.store.uses import Uses
from apikey_service.usecases.ports import AddressRules, OperatorConnections
from chassis.caller import Caller
from servicekit.operator_file import FileMetrics, OperatorFile, Reading

_NOTHING: Final = Outcome()
_METRICS = FileMetrics("apikey_connections_file", "the operator's connections")


class ConnectionsInForce(OperatorFile[tuple[OperatorConnection, ...]], OperatorConnections):
    """Those of the file at ``path``, as a whole; none without a path. Raises BadFile.

    What came of using them is read as often as the file is looked at, from the database of ``uses``.
    """

    def __init__(self, path: Path | None, rules: AddressRules, uses: Uses) -> None:
        def read(reading: Reading, path: Path) -> tuple[OperatorConnection, ...]:
            return ConnectionsReading(reading, path, rules).connections()

        super().__init__("connections", path, read, empty=(), metrics=_METRICS)
        self._uses = uses
        self._outcomes: dict[UUID, Outcome] = {}

    def open_to(self, caller: Caller) -> Sequence[OperatorConnection]:
        if not self.content:
            return ()
        role, tenant_id = caller.role, caller.tenant_id
        return [one for one in self.content if one.is_open_to(role, tenant_id)]

    def outcome(self, key_id: UUID) -> Outcome:
        return self._outcomes.get(key_id, _NOTHING)

    async def report(
        self, key_id: UUID, *, reason: str | None, ok: bool, learnt: Sequence[Learnt], at: datetime
    ) -> None:
        await self._uses.report_operators(key_id, reason=reason, ok=ok, learnt=learnt, at=at)
        self._outcomes = await self._uses.of_operators()

    async def look(self) -> None:
        """Take the file if it has changed, and read what came of using the connections."""
        await super().look()
        if self.content:
            self._outcomes = await self._uses.of_operators()
