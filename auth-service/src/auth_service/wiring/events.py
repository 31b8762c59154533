"""What auth-service hears of the other services: that they have erased, and what users did in them."""

from collections.abc import Iterator

from auth_service.events import AuditedHandler, UserErasedHandler
from auth_service.settings import NAME, Settings
from auth_service.usecases.ports import Ports
from chassis.dead_letters.letters import DeadLetters
from chassis.jetstream import Consumer, JetStream
from parley.events.audit import TOLD
from parley.events.rights import (
    CONFIRMATIONS_OF_ANYBODY,
    CONSUMES,
    ERASERS,
    audit_of,
    confirmations_of,
)


def stream_of(settings: Settings) -> JetStream:
    """JetStream, with the stream and the consumers of every service, which nobody else makes."""
    return JetStream(
        settings.nats_url.get_secret_value(),
        prefix=settings.events_prefix,
        name=NAME,
        keeps={
            durable: subject
            for consumers in CONSUMES.values()
            for durable, subject in consumers.items()
        },
    )


def consumers_of(ports: Ports, events: JetStream, dead_letters: DeadLetters) -> Iterator[Consumer]:
    """One for each service's confirmations and for what each tells the audit log."""
    confirmations = {
        CONFIRMATIONS_OF_ANYBODY: None,
        **{confirmations_of(service): service for service in ERASERS},
    }
    for durable, service in confirmations.items():
        yield Consumer(
            events,
            durable=durable,
            handler=UserErasedHandler(ports, service=service),
            dead_letters=dead_letters,
        )
    for service in TOLD:
        yield Consumer(
            events,
            durable=audit_of(service),
            handler=AuditedHandler(ports, service=service),
            dead_letters=dead_letters,
        )
