"""What all users of tenants have used, in the worker's role: everybody's rows are in sight there."""

# ruff: noqa: S608 - all statements are made of constants

from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from chassis.bulkhead import Bulkhead
from chassis.db.engine import Database
from chassis.db.errors import DatabaseBusy
from chassis.db.statement import Statement
from chat_service.usage.domain.report import Days, TenantsBy, TenantsRow
from chat_service.usage.store.ledger import COUNTED
from chat_service.usage.store.sums import sums_of, to_sums

_COUNTED: Final = ", ".join(COUNTED)
_IN_QUESTION: Final = """
day BETWEEN :first AND :last
AND (CAST(:tenant_id AS uuid) IS NULL OR tenant_id = CAST(:tenant_id AS uuid))
"""
_KEYS: Final = ("tenant_id", "user_id", "model", "day")
_TOLD: Final = f"""
SELECT CASE WHEN :by_user OR :by_tenant THEN tenant_id END AS tenant_id,
       CASE WHEN :by_user THEN user_id END AS user_id,
       CASE WHEN :by_model THEN model END AS model,
       CASE WHEN :by_day THEN day END AS day,
       currency, {_COUNTED}
FROM (SELECT tenant_id, user_id, model, day, currency, {_COUNTED}
      FROM usage_days WHERE {_IN_QUESTION} AND (metered OR NOT :only_metered)
      UNION ALL
      SELECT tenant_id, NULL, NULL, day, currency, {_COUNTED}
      FROM usage_of_erased WHERE {_IN_QUESTION}) AS everybodys
"""
_SHOWN: Final = ", ".join(
    [*_KEYS, *(name for name in COUNTED if name != "cost"), "costs", "unpriced_tokens"]
)
# Days by their time, all else by how much it is; what is as much by what it is called, of which a cursor has no
# more than it has room for.
_PLACED: Final = f"""
SELECT {_SHOWN}, CASE WHEN :by_day THEN day - DATE '2000-01-01' ELSE tokens END AS rank,
       CASE WHEN octet_length(name) > 256 THEN left(name, 32) || md5(name) ELSE name END AS place
FROM (SELECT {_SHOWN}, tokens,
             concat_ws(' ', {", ".join(f"coalesce({key}::text, '-')" for key in _KEYS)}) AS name
      FROM ({sums_of(_TOLD, _KEYS)}) AS sums) AS named
"""
_PAGE = Statement(
    text(f"""
SELECT {_SHOWN}, rank, place FROM ({_PLACED}) AS placed
WHERE CAST(:after_rank AS bigint) IS NULL OR rank < CAST(:after_rank AS bigint)
   OR rank = CAST(:after_rank AS bigint) AND place > CAST(:after_place AS text)
ORDER BY rank DESC, place
LIMIT :most
""")
)

_NOT_FOR_LONG = Statement(text("SELECT set_config('statement_timeout', '8s', true) AS at_most"))


@dataclass(frozen=True, slots=True)
class PlaceOfSums:
    """Where a row stands in a report: the page behind it begins here."""

    rank: int
    name: str


def one_at_a_time() -> Bulkhead:
    """For sums: eight may wait, 2 s each, less than the gateway waits for an answer. Refuses with DatabaseBusy."""
    busy = partial(DatabaseBusy, retry_after=5)
    return Bulkhead(1, most_waiting=8, most_seconds=2.0, refusal=busy)


class TenantsUsage:
    """On a database that is connected as the worker role."""

    def __init__(self, worker: Database, bulkhead: Bulkhead | None = None) -> None:
        self._worker = worker
        # One at a time, and not for long: heartbeats go by the same connections.
        self._bulkhead = bulkhead or one_at_a_time()

    async def page(
        self,
        days: Days,
        by: TenantsBy,
        *,
        tenant_id: UUID | None,
        only_metered: bool,
        after: PlaceOfSums | None,
        limit: int,
    ) -> list[tuple[TenantsRow, PlaceOfSums]]:
        """At most `limit` rows behind `after`: days newest first, all else the most used first.

        `tenant_id` None: of all. Raises DatabaseBusy, DatabaseUnavailable.
        """
        async with self._bulkhead.enter(), self._worker.transaction() as connection:
            await _NOT_FOR_LONG.first(connection)
            rows = await _PAGE.all(
                connection,
                first=days.first,
                last=days.last,
                tenant_id=tenant_id,
                only_metered=only_metered,
                after_rank=None if after is None else after.rank,
                after_place=None if after is None else after.name,
                most=limit,
                **{f"by_{one}": one is by for one in TenantsBy},
            )
        return [(_to_row(row), PlaceOfSums(row.rank, row.place)) for row in rows]


def _to_row(row: Any) -> TenantsRow:
    return TenantsRow(to_sums(row), row.tenant_id, row.user_id, row.model, row.day)
