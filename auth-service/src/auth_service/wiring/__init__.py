"""What auth-service is made of."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from auth_service.background import Anonymiser, Sweep
from auth_service.credentials.keyring import ACTIVATION_SECONDS, KeyRing
from auth_service.credentials.pseudonyms import KeyedPseudonyms
from auth_service.credentials.sealing import SealedSuccessors
from auth_service.credentials.signing import AccessTokenSigner, UnusableSigningKey
from auth_service.domain.limits import log_ins, registrations
from auth_service.events import encode_deleted
from auth_service.migrations import MIGRATIONS
from auth_service.rpc import POLICY, register
from auth_service.settings import NAME, Settings
from auth_service.store.transactions import (
    Effects,
    admin_transactions,
    caller_transactions,
    system_transactions,
)
from auth_service.usecases.ports import CodePorts, Ports
from auth_service.usecases.users import make_operator as promote_to_operator
from auth_service.wiring.codes import code_queue
from auth_service.wiring.events import consumers_of, stream_of
from auth_service.wiring.trust import READ_KEYS_SECONDS, build_trust
from chassis.db.engine import Database
from chassis.db.idempotency import AnswerSweep
from chassis.db.schema import SchemaCheck
from chassis.dead_letters.letters import DeadLetters
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.server import GrpcServer
from chassis.health import Check
from chassis.outbox import Relay
from chassis.service import Service
from chassis.telemetry.logging import get_logger
from parley.events.rights import USER_DELETED
from servicekit.argon2_passwords import Argon2Passwords
from servicekit.parts import app_and_worker


def signing_keys_path(settings: Settings) -> Path:
    """Raises UnusableSigningKey unless the settings name exactly one place."""
    if settings.signing_keys is None:
        raise UnusableSigningKey("one of the two has to be set, and not both")
    return settings.signing_keys


def build(
    settings: Settings,
    *,
    read_keys_seconds: float = READ_KEYS_SECONDS,
    activation_seconds: float = ACTIVATION_SECONDS,
) -> Service:
    """The service, not started yet. Raises UnusableSigningKey, UnusableSetting.

    It looks for signing keys every ``read_keys_seconds``; a new one signs after ``activation_seconds``.
    """
    keys = KeyRing(signing_keys_path(settings), activation_seconds=activation_seconds)
    database, worker = app_and_worker(NAME, settings)
    events = stream_of(settings)
    relay = Relay(worker, events)
    dead_letters = DeadLetters(worker)
    trust = build_trust(
        worker,
        keys,
        poll_seconds=settings.revocation_poll_seconds,
        read_keys_seconds=read_keys_seconds,
    )
    anonymiser = Anonymiser(system_transactions(worker), seconds=settings.erasure_sweep_seconds)

    def wake_after_deletion() -> None:
        """A deletion has been committed."""
        relay.wake()
        anonymiser.wake()

    effects = Effects(
        deleted_subject=events.subject(USER_DELETED),
        encode_deleted=encode_deleted,
        on_revoked=trust.revocations.wake,
        on_published=wake_after_deletion,
    )
    open_system = system_transactions(worker, effects)
    passwords = _passwords_of(settings)
    pseudonyms = KeyedPseudonyms(lambda: keys.in_force)
    codes = code_queue(settings, open_system, pseudonyms)
    ports = Ports(
        open_caller=caller_transactions(database, effects),
        open_admin=admin_transactions(database, effects),
        open_system=open_system,
        passwords=passwords,
        access_tokens=AccessTokenSigner(
            lambda: keys.signing, life=timedelta(seconds=settings.access_token_seconds)
        ),
        successors=SealedSuccessors(),
        pseudonyms=pseudonyms,
        codes=CodePorts(
            queue=codes,
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
            *consumers_of(ports, events, dead_letters),
            passwords,
            codes,
            *trust.components,
            Sweep(ports, seconds=settings.erasure_sweep_seconds),
            anonymiser,
            GrpcServer(
                settings=settings,
                policy=POLICY,
                register=partial(register, ports, trust.feed),
                verifier=TokenVerifier(trust.store),
            ),
        ],
        checks=[
            Check("database", database.ping, critical=True),
            Check("schema", SchemaCheck(worker, MIGRATIONS), critical=True),
            Check("token-keys", trust.store.probe, critical=True),
            Check("nats", events.ping),
        ],
    )


def _passwords_of(settings: Settings) -> Argon2Passwords:
    return Argon2Passwords(
        memory_kib=settings.password_memory_kib,
        iterations=settings.password_iterations,
        parallelism=settings.password_parallelism,
        workers=settings.password_workers,
        queue=settings.password_queue,
    )


async def make_operator(settings: Settings, name: str) -> bool:
    """Make the user called ``name`` an operator; False when there is no active user of that name.

    Raises DatabaseBusy or DatabaseUnavailable.
    """
    worker = Database(
        settings.worker_database_url.get_secret_value(),
        pool_size=1,
        application_name=f"{NAME} make-operator",
    )
    try:
        return await promote_to_operator(system_transactions(worker), name) is not None
    finally:
        await worker.stop()
