"""How long conversations are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID


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
