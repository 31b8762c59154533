"""Who there is in docker-compose.yml, and as which user each of them runs."""

from dataclasses import dataclass

from chassis.nats_accounts import Accounts
from parley.events.rights import CONSUMES, OWNER, PUBLISHES

SERVICES = ("gateway", "auth-service", "apikey-service", "chat-service", "notes-service")
#: The services with a database, by the name that its roles are made from.
DATABASES = {
    "auth": "auth-service",
    "apikey": "apikey-service",
    "chat": "chat-service",
    "notes": "notes-service",
}
#: Who has a user on NATS, and for what.
ACCOUNTS = Accounts(owner=OWNER, publishes=PUBLISHES, consumes=CONSUMES)
#: Each role of a database, and what its URL is called.
ROLES = {
    "owner": "owner_database_url",
    "app": "database_url",
    "worker": "worker_database_url",
}


@dataclass(frozen=True, slots=True)
class Uids:
    """User ids: those of the official images, and that of deploy/Dockerfile."""

    postgres: int = 999
    redis: int = 999
    parley: int = 10001
