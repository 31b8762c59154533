"""What admins' use cases need of the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from auth_service.domain.audit_log import AuditEntry, AuditFilter
from auth_service.domain.tenants import Tenant
from auth_service.domain.users import Role, Status, User
from auth_service.usecases.name_cursor import NamePosition
from chassis.idempotency import Once
from chassis.paging import Position


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users: all that match every field that is set; ``query`` is folded already."""

    tenant_id: UUID | None = None
    query: str = ""
    status: Status | None = None


class AuditLog(Protocol):
    """The part of a transaction that writes the audit log, and the process's log after the commit."""

    async def record(self, entry: AuditEntry) -> None:
        """Store it with this transaction; an entry about a deleted user gets no address."""
        ...


class Administration(Protocol):
    """What an admin's transaction can do besides."""

    async def users(
        self, user_filter: UserFilter, *, after: NamePosition | None, limit: int
    ) -> Sequence[tuple[str, User]]:
        """Users by name, those behind ``after`` (a key and an id); each with its key."""
        ...

    async def count_users(self, user_filter: UserFilter) -> int: ...

    async def lock_users(self, user_ids: Sequence[UUID]) -> Sequence[User]:
        """Those of them that are neither deleted nor out of sight; holds off their log-ins."""
        ...

    async def act_for(self, user: User) -> None:
        """From here on see and change what is this user's own, and nothing else."""
        ...

    async def set_role(self, user_id: UUID, role: Role) -> None: ...

    async def set_status(self, user_id: UUID, status: Status) -> None: ...

    async def audit_entries(
        self, audit_filter: AuditFilter, *, before: Position | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Entries newest first, those behind ``before``."""
        ...

    async def count_entries(self, audit_filter: AuditFilter, *, at_most: int) -> int:
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

    async def tenants(self, *, after: NamePosition | None, limit: int) -> Sequence[Tenant]:
        """Tenants by name, those behind ``after`` (a name and an id)."""
        ...

    async def count_tenants(self) -> int: ...
