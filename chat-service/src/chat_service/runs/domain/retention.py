"""How long conversations are kept."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """Deleted ones from then on, others from their last activity on.

    `everything` None: for ever; what is pinned is kept in any case, unless it is temporary.
    """

    deleted: timedelta
    temporary: timedelta
    everything: timedelta | None = None
