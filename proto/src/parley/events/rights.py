"""Who says and hears what on NATS: the rights of each service's user there are made from it.

Names of subjects are given as they are below the deployment's prefix. A service that is new here
is told of deletions, and may confirm them, once NATS has its new configuration.
"""

from collections.abc import Mapping
from typing import Final

from parley.events.audit import TOLD

#: Creates the stream and every consumer; the only one that says who is deleted.
OWNER: Final = "auth-service"
#: Each holds something of users, erases it when it is told to, and confirms that.
ERASERS: Final = ("apikey-service", "chat-service", "notes-service")

USER_DELETED: Final = "user.deleted"
#: Where confirmations were published when anybody could publish any: what is left there from
#: that time is still heard, and nobody may add to it.
USER_ERASED_BY_ANYBODY: Final = "user.erased"


def user_erased_by(service: str) -> str:
    """Where ``service`` confirms, and nobody else can."""
    return f"user.erased.{service}"


def confirmations_of(service: str) -> str:
    """The consumer by which the owner hears what ``service`` confirms."""
    return f"{OWNER}-user-erased-by-{service}"


def audited_by(service: str) -> str:
    """Where ``service`` tells the audit log what users did in it, and nobody else can."""
    return f"audit.{service}"


def audit_of(service: str) -> str:
    """The consumer by which the owner hears what users did in ``service``."""
    return f"{OWNER}-audit-of-{service}"


def deletions_for(service: str) -> str:
    """The consumer by which ``service`` hears of deletions."""
    return f"{service}-user-deleted"


#: The consumer of USER_ERASED_BY_ANYBODY.
CONFIRMATIONS_OF_ANYBODY: Final = f"{OWNER}-user-erased"

#: By service, the subjects that it may publish on.
PUBLISHES: Final[Mapping[str, tuple[str, ...]]] = {
    OWNER: (USER_DELETED,),
    **{
        service: (user_erased_by(service), *((audited_by(service),) if service in TOLD else ()))
        for service in ERASERS
    },
}

#: By service, the durable consumers that it takes messages from, and the subject of each.
CONSUMES: Final[Mapping[str, Mapping[str, str]]] = {
    OWNER: {
        CONFIRMATIONS_OF_ANYBODY: USER_ERASED_BY_ANYBODY,
        **{confirmations_of(service): user_erased_by(service) for service in ERASERS},
        **{audit_of(service): audited_by(service) for service in TOLD},
    },
    **{service: {deletions_for(service): USER_DELETED} for service in ERASERS},
}
