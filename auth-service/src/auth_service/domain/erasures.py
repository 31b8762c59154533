"""The erasure of a user from every service, and the receipt that says how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

THIS_SERVICE = "auth-service"
# All that hold something of a user. A service is added here when its consumer is deployed.
ERASING_SERVICES = (THIS_SERVICE, "apikey-service", "chat-service", "notes-service")


@dataclass(frozen=True, slots=True)
class Erasure:
    """One user's erasure; it names nobody but by id."""

    id: UUID
    tenant_id: UUID
    user_id: UUID
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class ServiceErasure:
    """``erased_at`` is absent until the service has confirmed that it holds nothing more."""

    name: str
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far an erasure has come, service by service."""

    services: tuple[ServiceErasure, ...]

    @property
    def completed(self) -> bool:
        return all(service.erased_at is not None for service in self.services)
