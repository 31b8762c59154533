"""How long conversations are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

#: Of whatever is said in days, of what is deleted and, in hours, of what is temporary.
MOST_DAYS: Final = 36_500
MOST_DELETED_DAYS: Final = 3650
MOST_TEMPORARY_HOURS: Final = 8760


@dataclass(frozen=True, slots=True)
class Retention:
    """Deleted ones from then on, others from their last activity on.

    `everything` None: for ever. `tenants` has whole days by tenant, and each user may have set some, too: of all that
    are said the shortest counts. What is pinned is kept in any case, unless it is temporary.
    """

    deleted: timedelta
    temporary: timedelta
    everything: timedelta | None = None
    tenants: Mapping[UUID, int] = field(default_factory=dict)

    def days_of(self, tenant_id: UUID) -> int | None:
        """For how many days a tenant's conversations are kept, if their user says nothing; None: for ever."""
        of_all = None if self.everything is None else self.everything.days
        said = [days for days in (of_all, self.tenants.get(tenant_id)) if days is not None]
        return min(said, default=None)


#: What is not deleted is kept for ever.
KEPT: Final = Retention(deleted=timedelta(days=30), temporary=timedelta(days=1))
