"""Usage as admins see it: sums of users and tenants, and never without a line in the audit log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import Forbidden
from chassis.paging import Page, decode_cursor, encode_cursor, invalid_cursor, page_of, parse_limit
from chat_service.usage.domain.report import Days, TenantsBy, TenantsRow
from chat_service.usage.store.tenants import PlaceOfSums, TenantsUsage
from chat_service.usage.usecases.report import days_of

_OPERATOR: Final = "operator"
_ADMINS: Final = frozenset({"tenant_admin", _OPERATOR})
_HIGHEST: Final = 2**63 - 1

#: Has auth-service note who looks at what, and returns the tenant that they may see of the one that was asked
#: for, None: all. Raises AppError, for who is no admin any more and for a tenant that is not theirs, too.
NoteReading = Callable[[str | None, Days], Awaitable[UUID | None]]


@dataclass(frozen=True, slots=True)
class ReadTenantsUsage:
    """Reads for admins: in the worker's role, once auth-service has let them."""

    usage: TenantsUsage
    note_reading: NoteReading

    async def __call__(
        self,
        caller: Caller,
        *,
        first: date | None,
        last: date | None,
        by: TenantsBy,
        tenant_id: str | None,
        only_metered: bool,
        limit: int,
        cursor: str,
        now: datetime | None = None,
    ) -> tuple[Days, Page[TenantsRow]]:
        """A page of what was used in these days, of the caller's tenant, for an operator of all or of one.

        Raises Forbidden, ValidationFailed, and what `note_reading` raises.
        """
        if caller.role not in _ADMINS:
            raise Forbidden()
        limit = parse_limit(limit)
        days = days_of(first, last, now or utc_now())
        after = _place_in(cursor, by)
        seen = await self.note_reading(tenant_id, days)
        if caller.role != _OPERATOR:
            # Whatever was said there: of no other tenant than the token's.
            seen = caller.tenant_id
        rows = await self.usage.page(
            days, by, tenant_id=seen, only_metered=only_metered, after=after, limit=limit + 1
        )
        page = page_of(rows, limit, lambda row: encode_cursor(by, str(row[1].rank), row[1].name))
        return days, Page(tuple(row for row, _ in page.items), page.next_cursor)


def _place_in(cursor: str, by: TenantsBy) -> PlaceOfSums | None:
    if not cursor:
        return None
    told, rank, name = decode_cursor(cursor, 3)
    try:
        number = int(rank)
    except ValueError:
        raise invalid_cursor() from None
    if told != by or abs(number) > _HIGHEST:
        raise invalid_cursor()
    return PlaceOfSums(number, name)
