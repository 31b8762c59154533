"""What holds users to what they may use, and counts it, outside of runs."""

from chassis.clock import utc_now
from chassis.db.transactions import OpenTransaction
from chat_service.answer.domain.ending import RunStatus
from chat_service.providers.domain.connection import Connection
from chat_service.usage.domain.rules import NO_RULES, Asking, RulesInForce
from chat_service.usage.domain.spent import Purpose, Tokens
from chat_service.usage.domain.standing import check
from chat_service.usage.store.days import UsageDays


class Meter:
    """Counts with the runs, in the same rows."""

    def __init__(self, open_transaction: OpenTransaction, rules: RulesInForce = NO_RULES) -> None:
        self._open_transaction = open_transaction
        self._rules = rules

    async def check(self, who: Asking, connection: Connection) -> None:
        """Raises AllowanceUsedUp or UsageLimitReached where nothing is left."""
        bounds, now = self._rules.content.bounds_of(who, connection), utc_now()
        if not bounds.are_any:
            return
        async with self._open_transaction(who) as transaction:
            used = await UsageDays(transaction).used(bounds, connection.key_id, now)
        check(bounds, used, now)

    async def count(
        self,
        who: Asking,
        connection: Connection,
        model: str,
        purpose: Purpose,
        tokens: Tokens,
        *,
        status: RunStatus = RunStatus.COMPLETED,
        seconds: float = 0.0,
    ) -> None:
        """One answer more of this model. Raises OwnerErased."""
        cost = self._rules.content.cost_of(model, tokens)
        async with self._open_transaction(who) as transaction:
            await transaction.lock_owner()
            await UsageDays(transaction).add(
                connection.key_id,
                utc_now(),
                provider=connection.provider,
                model=model,
                purpose=purpose,
                metered=connection.metered,
                status=status,
                tokens=tokens,
                cost=cost,
                seconds=seconds,
            )
