"""What admins' use cases need of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from auth_service.domain.audit import Entry, Sought
from auth_service.domain.tenants import Tenant
from auth_service.domain.users import Role, Status, User
from auth_service.usecases.by_name import Place
from chassis.idempotency import Once
from chassis.paging import Position


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users: all that match every field that is set; ``query`` is folded already."""

    tenant_id: UUID | None = None
    query: str = ""
    status: Status | None = None


class Trail(Protocol):
    """A transaction that tells the audit trail, and once it is committed the log."""

    async def record(self, entry: Entry) -> None:
        """Have it known if this transaction commits; whoever is deleted leaves no address."""
        ...


class Administration(Protocol):
    """What an admin's transaction can do besides."""

    async def users(
        self, sought: UserFilter, *, after: Place | None, limit: int
    ) -> Sequence[tuple[str, User]]:
        """Users by name, those behind ``after`` (a key and an id); each with its key."""
        ...

    async def count_users(self, sought: UserFilter) -> int: ...

    async def lock_users(self, user_ids: Sequence[UUID]) -> Sequence[User]:
        """Those of them that are neither deleted nor out of sight; holds off their log-ins."""
        ...

    async def act_for(self, user: User) -> None:
        """From here on see and change what is this user's own, and nothing else."""
        ...

    async def set_role(self, user_id: UUID, role: Role) -> None: ...

    async def set_status(self, user_id: UUID, status: Status) -> None: ...

    async def audit_entries(
        self, sought: Sought, *, before: Position | None, limit: int
    ) -> Sequence[Entry]:
        """Entries newest first, those behind ``before``."""
        ...

    async def count_entries(self, sought: Sought, *, at_most: int) -> int:
        """How many match; no more than ``at_most`` are counted."""
        ...

    async def find_repeated(self, once: Once[Tenant], tenant: Tenant) -> Tenant | None:
        """The tenant that an earlier request of this key made.

        None: this is the first one, ``tenant`` is kept as its answer, and is yet to be stored.
        Raises IdempotencyKeyReused, RequestInProgress.
        """
        ...

    async def add_tenant(self, tenant: Tenant) -> bool:
        """Store a new tenant unless its name, or one that looks the same, is taken."""
        ...

    async def tenant(self, tenant_id: UUID) -> Tenant | None: ...

    async def tenants(self, *, after: Place | None, limit: int) -> Sequence[Tenant]:
        """Tenants by name, those behind ``after`` (a name and an id)."""
        ...

    async def count_tenants(self) -> int: ...
