"""What users may use in a day of the connections that an operator pays for, outside of runs."""

from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction, Owned
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.errors import AllowanceUsedUp
from chat_service.runs.store.token_usage import TokenUsage


class DailyAllowance:
    """Counts with the runs, in the same rows."""

    def __init__(self, open_transaction: OpenTransaction) -> None:
        self._open_transaction = open_transaction

    async def check(self, whose: Owned, connection: Connection) -> None:
        """Raises AllowanceUsedUp where nothing is left of today's tokens."""
        allowed = connection.daily_tokens
        if allowed is None:
            return
        now = utc_now()
        async with self._open_transaction(whose) as transaction:
            used = await TokenUsage(transaction).used(connection.key_id, now)
        if used >= allowed:
            raise AllowanceUsedUp(used=used, allowed=allowed, now=now)

    async def count(self, whose: Owned, connection: Connection, tokens: int) -> None:
        """So many more were used. Raises OwnerErased."""
        async with self._open_transaction(whose) as transaction:
            await transaction.lock_owner()
            await TokenUsage(transaction).add(connection.key_id, utc_now(), tokens)
