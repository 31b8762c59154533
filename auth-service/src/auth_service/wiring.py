"""What auth-service is made of."""

from datetime import timedelta
from pathlib import Path

from auth_service.background import BoardKeeper, Sweep
from auth_service.credentials.passwords import Argon2Passwords
from auth_service.credentials.signing import AccessTokenSigner, SigningKey
from auth_service.events import (
    DURABLE,
    USER_DELETED,
    USER_ERASED,
    UserErasedHandler,
    encode_deleted,
)
from auth_service.rpc import POLICY, AuthServicer, watch
from auth_service.settings import Settings
from auth_service.store.admin import admin_transactions
from auth_service.store.caller import caller_transactions
from auth_service.store.effects import Effects
from auth_service.store.system import system_transactions
from auth_service.usecases.ports import Ports
from auth_service.usecases.revocation_board import RevocationBoard
from auth_service.usecases.users import make_operator as appoint_operator
from chassis.db.engine import Database
from chassis.db.idempotency import AnswerSweep
from chassis.db.schema import SchemaCheck
from chassis.dead_letters import DeadLetters
from chassis.grpc.caller import TokenVerifier, TrustFeed, TrustStore
from chassis.grpc.server import GrpcServer
from chassis.health import Check
from chassis.jetstream import Consumer, JetStream
from chassis.outbox import Relay
from chassis.service import Service
from chassis.telemetry.logging import get_logger
from parley.auth.v1.auth_pb2_grpc import add_AuthServiceServicer_to_server

NAME = "auth-service"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: Settings) -> Service:
    """The service, not started yet. Raises UnusableSigningKey."""
    key = SigningKey.load(settings.signing_key_file)
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
        settings.nats_url.get_secret_value(), prefix=settings.events_prefix, name=NAME
    )
    relay = Relay(worker, events)
    journal = get_logger("auth_service")
    effects = Effects(
        deleted_subject=events.subject(USER_DELETED),
        encode_deleted=encode_deleted,
        # The keeper is made of what is made of these effects.
        on_revoked=lambda: keeper.wake(),  # noqa: PLW0108 - not made yet
        on_published=relay.wake,
        journal=journal,
    )
    open_system = system_transactions(worker, effects)
    board = RevocationBoard(open_system=open_system, keys=[key.verification])
    keeper = BoardKeeper(board, seconds=settings.revocation_poll_seconds)
    passwords = Argon2Passwords(
        memory_kib=settings.password_memory_kib,
        iterations=settings.password_iterations,
        parallelism=settings.password_parallelism,
        workers=settings.password_workers,
        queue=settings.password_queue,
    )
    ports = Ports(
        open_caller=caller_transactions(database, effects),
        open_admin=admin_transactions(database, effects),
        open_system=open_system,
        passwords=passwords,
        access_tokens=AccessTokenSigner(key, life=timedelta(seconds=settings.access_token_seconds)),
        journal=journal,
        tenant=settings.tenant,
        refresh_life=timedelta(days=settings.refresh_token_days),
        audit_life=timedelta(days=settings.audit_days),
    )
    trust = TrustStore()
    servicer = AuthServicer(ports, board)
    server = GrpcServer(
        settings=settings,
        policy=POLICY,
        register=lambda server: add_AuthServiceServicer_to_server(servicer, server),
        verifier=TokenVerifier(trust),
    )
    dead_letters = DeadLetters(worker)
    user_erased = Consumer(
        events,
        durable=DURABLE,
        subject=events.subject(USER_ERASED),
        handler=UserErasedHandler(ports),
        dead_letters=dead_letters,
    )
    sweep = Sweep(ports, seconds=settings.erasure_sweep_seconds)
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
            user_erased,
            passwords,
            keeper,
            TrustFeed(trust, lambda: watch(board)),
            sweep,
            server,
        ],
        checks=[
            Check("database", database.ping, critical=True),
            Check("schema", SchemaCheck(worker, MIGRATIONS), critical=True),
            Check("token-keys", trust.probe, critical=True),
            Check("nats", events.ping),
        ],
    )


async def make_operator(settings: Settings, name: str) -> bool:
    """Appoint the user called ``name``; False when there is no active user of that name.

    Raises DatabaseBusy or DatabaseUnavailable.
    """
    worker = Database(
        settings.worker_database_url.get_secret_value(),
        pool_size=1,
        application_name=f"{NAME} make-operator",
    )

    def nothing_follows() -> None:
        """Nothing is revoked by a promotion, and nothing published."""

    effects = Effects(
        deleted_subject="",
        encode_deleted=encode_deleted,
        on_revoked=nothing_follows,
        on_published=nothing_follows,
        journal=get_logger("auth_service"),
    )
    try:
        return await appoint_operator(system_transactions(worker, effects), name) is not None
    finally:
        await worker.stop()
