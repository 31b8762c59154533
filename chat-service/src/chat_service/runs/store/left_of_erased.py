"""What earlier releases have left of users who are gone: those erase what they know of, and no table that came later.

While two releases run side by side either may erase a user; what is left then is taken away within the hour.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import text

from chassis.db.engine import Database, RowOwner
from chassis.db.statement import Statement
from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger
from servicekit.erasure import Erasing, Step

_log = get_logger(__name__)

_EVERY_SECONDS: Final = 3600.0
_BATCH: Final = 100
# Those that came with this release; each is found by its user.
_TABLES: Final = (
    "usage_days",
    "shares",
    "files",
    "imports",
    "deleted_runs",
    "answers_to_forget",
)
_IS_LEFT: Final = " OR ".join(
    f"EXISTS (SELECT FROM {table} WHERE {table}.user_id = owners.user_id)" for table in _TABLES
)
_FIND = Statement(
    text(
        f"SELECT user_id, tenant_id FROM owners WHERE erased_at IS NOT NULL AND ({_IS_LEFT})"  # noqa: S608 - of constants
        " ORDER BY user_id LIMIT :most"
    )
)


class LeftOfErased(Repeated):
    """Takes `steps` for these users in the worker role, every hour."""

    def __init__(self, worker: Database, steps: Sequence[Step]) -> None:
        super().__init__(
            "what is left of erased users", self.take, seconds=_EVERY_SECONDS, unhurried=True
        )
        self._worker = worker
        self._steps = steps

    async def take(self) -> None:
        """Look now. Raises DatabaseBusy, DatabaseUnavailable, and what the steps raise."""
        found = _BATCH
        while found == _BATCH:
            async with self._worker.transaction() as connection:
                users = await _FIND.all(connection, most=_BATCH)
            for user in users:
                erasing = Erasing(self._worker, RowOwner(user.tenant_id, user.user_id))
                for step in self._steps:
                    await step(erasing)
            found = len(users)
            if users:
                _log.info("users.erased_again", users=found)
