"""What auth-service is made of."""

from datetime import timedelta
from pathlib import Path

import grpc.aio

from auth_service.background import Anonymiser, RevocationPoller, SigningKeyPoller, Sweep
from auth_service.credentials.keyring import KeyRing
from auth_service.credentials.pseudonyms import KeyedPseudonyms
from auth_service.credentials.sealing import SealedSuccessors
from auth_service.credentials.signing import AccessTokenSigner, UnusableSigningKey
from auth_service.delivery.console import Console
from auth_service.delivery.job_queue import JobQueue
from auth_service.delivery.smtp import MailServer, SmtpMail
from auth_service.domain.limits import log_ins, registrations
from auth_service.events import AuditedHandler, UserErasedHandler, encode_deleted
from auth_service.migrations import MIGRATIONS
from auth_service.rpc import POLICY, AuthServicer, SettingsServicer, watch
from auth_service.settings import NAME, Settings
from auth_service.store.transactions import (
    Effects,
    admin_transactions,
    caller_transactions,
    system_transactions,
)
from auth_service.usecases.ports import CodePorts, Delivery, Ports
from auth_service.usecases.revocation_feed import RevocationFeed
from auth_service.usecases.send_code import send_code
from auth_service.usecases.users import make_operator as promote_to_operator
from chassis.db.engine import Database
from chassis.db.idempotency import AnswerSweep
from chassis.db.schema import SchemaCheck
from chassis.dead_letters.letters import DeadLetters
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.server import GrpcServer
from chassis.grpc.trust import TrustStore
from chassis.grpc.trust_feed import TrustFeed
from chassis.health import Check
from chassis.jetstream import Consumer, JetStream
from chassis.outbox import Relay
from chassis.service import Service
from chassis.settings import UnusableSetting, variable_of
from chassis.telemetry.logging import get_logger
from parley.auth.v1.auth_pb2_grpc import (
    add_AuthServiceServicer_to_server,
    add_SettingsServiceServicer_to_server,
)
from parley.events.audit import TOLD
from parley.events.rights import (
    CONFIRMATIONS_OF_ANYBODY,
    CONSUMES,
    ERASERS,
    USER_DELETED,
    audit_of,
    confirmations_of,
)
from servicekit.argon2_passwords import Argon2Passwords

# How often the directory of signing keys is read.
READ_KEYS_SECONDS = 5.0
# Fewer than there are connections: a request for a code must not wait for the jobs before it.
_CODE_WORKERS = 4


def signing_keys_path(settings: Settings) -> Path:
    """Raises UnusableSigningKey unless the settings name exactly one place."""
    if settings.signing_keys is None:
        raise UnusableSigningKey("one of the two has to be set, and not both")
    return settings.signing_keys


def build(settings: Settings) -> Service:
    """The service, not started yet. Raises UnusableSigningKey, UnusableSetting."""
    keys = KeyRing(signing_keys_path(settings))
    database = Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name=NAME,
    )
    worker = Database(
        settings.worker_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name=f"{NAME} worker",
    )
    events = JetStream(
        settings.nats_url.get_secret_value(),
        prefix=settings.events_prefix,
        name=NAME,
        keeps={
            durable: subject
            for consumers in CONSUMES.values()
            for durable, subject in consumers.items()
        },
    )
    relay = Relay(worker, events)

    def wake_after_deletion() -> None:
        """A deletion has been committed."""
        relay.wake()
        anonymiser.wake()

    effects = Effects(
        deleted_subject=events.subject(USER_DELETED),
        encode_deleted=encode_deleted,
        # The poller and the anonymiser are made later, of transactions with these effects.
        on_revoked=lambda: revocation_poller.wake(),  # noqa: PLW0108 - not made yet
        on_published=wake_after_deletion,
    )
    open_system = system_transactions(worker, effects)
    feed = RevocationFeed(open_system=open_system, keys=keys.verification)
    revocation_poller = RevocationPoller(feed, seconds=settings.revocation_poll_seconds)
    passwords = Argon2Passwords(
        memory_kib=settings.password_memory_kib,
        iterations=settings.password_iterations,
        parallelism=settings.password_parallelism,
        workers=settings.password_workers,
        queue=settings.password_queue,
    )
    queue = JobQueue(
        lambda job: send_code(ports, job),
        workers=_CODE_WORKERS,
        size=settings.code_queue,
        delay=settings.code_delay_seconds,
    )
    ports = Ports(
        open_caller=caller_transactions(database, effects),
        open_admin=admin_transactions(database, effects),
        open_system=open_system,
        passwords=passwords,
        access_tokens=AccessTokenSigner(
            lambda: keys.signing, life=timedelta(seconds=settings.access_token_seconds)
        ),
        successors=SealedSuccessors(),
        pseudonyms=KeyedPseudonyms(lambda: keys.in_force),
        codes=CodePorts(
            queue=queue,
            delivery=_delivery(settings),
            sends_an_hour=settings.codes_per_hour,
            required_to_register=settings.register_with_code,
        ),
        logger=get_logger("auth_service"),
        tenant=settings.tenant,
        registrations=registrations(settings.registrations_per_hour),
        log_ins=log_ins(settings.logins_per_hour),
        refresh_life=timedelta(days=settings.refresh_token_days),
        audit_life=timedelta(days=settings.audit_days),
    )
    trust = TrustStore()

    def register(on: grpc.aio.Server) -> None:
        add_AuthServiceServicer_to_server(AuthServicer(ports, feed), on)
        add_SettingsServiceServicer_to_server(SettingsServicer(ports), on)

    server = GrpcServer(
        settings=settings,
        policy=POLICY,
        register=register,
        verifier=TokenVerifier(trust),
    )
    dead_letters = DeadLetters(worker)
    confirmations = [
        Consumer(
            events,
            durable=durable,
            handler=UserErasedHandler(ports, service=service),
            dead_letters=dead_letters,
        )
        for durable, service in (
            (CONFIRMATIONS_OF_ANYBODY, None),
            *((confirmations_of(service), service) for service in ERASERS),
        )
    ]
    audits = [
        Consumer(
            events,
            durable=audit_of(service),
            handler=AuditedHandler(ports, service=service),
            dead_letters=dead_letters,
        )
        for service in TOLD
    ]
    sweep = Sweep(ports, seconds=settings.erasure_sweep_seconds)
    anonymiser = Anonymiser(ports, seconds=settings.erasure_sweep_seconds)
    return Service(
        NAME,
        settings,
        components=[
            database,
            worker,
            events,
            relay,
            AnswerSweep(worker),
            dead_letters,
            *confirmations,
            *audits,
            passwords,
            queue,
            revocation_poller,
            SigningKeyPoller(keys, feed, seconds=READ_KEYS_SECONDS),
            TrustFeed(trust, lambda: watch(feed)),
            sweep,
            anonymiser,
            server,
        ],
        checks=[
            Check("database", database.ping, critical=True),
            Check("schema", SchemaCheck(worker, MIGRATIONS), critical=True),
            Check("token-keys", trust.probe, critical=True),
            Check("nats", events.ping),
        ],
    )


def _delivery(settings: Settings) -> Delivery:
    if settings.delivery == "console":
        return Console()
    assert settings.smtp_host is not None
    assert settings.smtp_sender is not None
    password = settings.smtp_password
    server = MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=None if password is None else password.get_secret_value(),
        ca_file=settings.smtp_ca_file,
        seconds=settings.smtp_timeout_seconds,
    )
    try:
        return SmtpMail(server, sender=settings.smtp_sender)
    except OSError as error:  # ssl's own errors are of this kind
        raise UnusableSetting(
            variable_of(Settings, "smtp_ca_file"), f"no certificates in PEM: {error.strerror}"
        ) from None


async def make_operator(settings: Settings, name: str) -> bool:
    """Make the user called ``name`` an operator; False when there is no active user of that name.

    Raises DatabaseBusy or DatabaseUnavailable.
    """
    worker = Database(
        settings.worker_database_url.get_secret_value(),
        pool_size=1,
        application_name=f"{NAME} make-operator",
    )

    def ignore() -> None:
        """A promotion revokes nothing and publishes nothing."""

    effects = Effects(
        deleted_subject="",
        encode_deleted=encode_deleted,
        on_revoked=ignore,
        on_published=ignore,
    )
    try:
        return await promote_to_operator(system_transactions(worker, effects), name) is not None
    finally:
        await worker.stop()
