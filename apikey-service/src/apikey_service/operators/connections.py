"""The operator's connections in force, taken anew when their file changes."""

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from prometheus_client import Counter, Gauge

from apikey_service.domain.key import Learnt, Outcome
from apikey_service.domain.operator_connection import OperatorConnection
from apikey_service.operators.connections_file import BadConnectionsFile, ConnectionsReading
from apikey_service.store.uses import Uses
from apikey_service.usecases.ports import AddressRules, OperatorConnections
from chassis.caller import Caller
from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_LOOK_SECONDS: Final = 5.0
_NOTHING: Final = Outcome()

_CURRENT = Gauge(
    "apikey_connections_file_current",
    "1 if the operator's connections are those of the file; 0 if it could not be read last time.",
)
_READ = Counter(
    "apikey_connections_file_reads_total",
    "Readings of it, by outcome: taken, refused.",
    ["outcome"],
)
_TAKEN, _REFUSED = (_READ.labels(outcome) for outcome in ("taken", "refused"))


class ConnectionsInForce(Repeated, OperatorConnections):
    """Those of the file at ``path``, as a whole; none without a path.

    Looks at the file, and at those that it names, every five seconds and at SIGHUP. A file that is
    wrong changes nothing but the log, the metrics and :meth:`probe`. Raises BadConnectionsFile when
    it is made with one. What came of using them is read as often, from the database of ``uses``.
    """

    def __init__(self, path: Path | None, rules: AddressRules, uses: Uses) -> None:
        super().__init__("operator connections", self.look, seconds=_LOOK_SECONDS)
        self._path = path
        self._rules = rules
        self._uses = uses
        self._connections: tuple[OperatorConnection, ...] = ()
        self._outcomes: dict[UUID, Outcome] = {}
        self._problem: str | None = None
        self._asked = False
        self._reading: ConnectionsReading | None = None
        if path is not None:
            self._take(path)

    def open_to(self, caller: Caller) -> Sequence[OperatorConnection]:
        if not self._connections:
            return ()
        role, tenant_id = caller.role, caller.tenant_id
        return [one for one in self._connections if one.is_open_to(role, tenant_id)]

    def outcome(self, key_id: UUID) -> Outcome:
        return self._outcomes.get(key_id, _NOTHING)

    async def report(
        self, key_id: UUID, *, reason: str | None, ok: bool, learnt: Sequence[Learnt], at: datetime
    ) -> None:
        await self._uses.report_operators(key_id, reason=reason, ok=ok, learnt=learnt, at=at)
        self._outcomes = await self._uses.of_operators()

    async def start(self) -> None:
        if self._path is None:
            return
        with suppress(NotImplementedError):  # Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._read_anew)
        await super().start()

    async def stop(self) -> None:
        if self._path is not None:
            with suppress(NotImplementedError):
                asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
        await super().stop()

    async def probe(self) -> None:
        """Raises BadConnectionsFile while the file is not what is in force."""
        if self._problem is not None:
            raise BadConnectionsFile(self._problem)

    async def look(self) -> None:
        """Take the file if it has changed, and read what came of using the connections."""
        if self._path is not None and self._is_due():
            try:
                self._take(self._path)
            except BadConnectionsFile as error:
                _log.error(
                    "connections.refused",
                    file=str(self._path),
                    problem=str(error),
                    advice="the connections read before stay in force; mend the file",
                )
            else:
                _log.info("connections.taken", count=len(self._connections))
        if self._connections:
            self._outcomes = await self._uses.of_operators()

    def _is_due(self) -> bool:
        asked, self._asked = self._asked, False
        return asked or self._reading is None or self._reading.is_stale()

    def _read_anew(self) -> None:
        self._asked = True
        self.wake()

    def _take(self, path: Path) -> None:
        self._reading = ConnectionsReading(path, self._rules)
        try:
            self._connections = self._reading.connections()
        except BadConnectionsFile as error:
            self._problem = str(error)
            _CURRENT.set(0)
            _REFUSED.inc()
            raise
        self._problem = None
        _CURRENT.set(1)
        _TAKEN.inc()
