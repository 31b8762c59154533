"""What the notes service is made of."""

from pathlib import Path

from chassis.db.engine import Database
from chassis.db.idempotency import AnswerSweep
from chassis.db.schema import SchemaCheck
from chassis.dead_letters import DeadLetters
from chassis.grpc.caller import TokenVerifier, TrustFeed, TrustStore
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer
from chassis.health import Check
from chassis.jetstream import Consumer, JetStream
from chassis.outbox import Relay
from chassis.service import Service
from notes_service.events import UserDeletedHandler
from notes_service.rpc import POLICY, NotesServicer, watch_revocations
from notes_service.settings import Settings
from notes_service.store.erasure import erasures
from notes_service.store.notes import transactions
from parley.events.rights import USER_ERASED_BY_ANYBODY, deletions_for, user_erased_by
from parley.notes.v1.notes_pb2_grpc import add_NotesServiceServicer_to_server

NAME = "notes-service"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: Settings) -> Service:
    """The service, not started yet."""
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
    relay = Relay(
        worker,
        events,
        moved={events.subject(USER_ERASED_BY_ANYBODY): events.subject(user_erased_by(NAME))},
    )
    dead_letters = DeadLetters(worker)
    user_deleted = Consumer(
        events,
        durable=deletions_for(NAME),
        handler=UserDeletedHandler(
            erasures(worker, events.subject), service=NAME, announce=relay.wake
        ),
        dead_letters=dead_letters,
    )
    auth = Channel(target=settings.auth_target, server="auth-service", settings=settings)
    trust = TrustStore()
    trust_feed = TrustFeed(trust, lambda: watch_revocations(auth))
    servicer = NotesServicer(transactions(database))
    server = GrpcServer(
        settings=settings,
        policy=POLICY,
        register=lambda server: add_NotesServiceServicer_to_server(servicer, server),
        verifier=TokenVerifier(trust),
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
            user_deleted,
            auth,
            trust_feed,
            server,
        ],
        checks=[
            Check("database", database.ping, critical=True),
            Check("schema", SchemaCheck(database, MIGRATIONS), critical=True),
            Check("token-keys", trust.probe, critical=True),
            Check("nats", events.ping),
            Check("auth-service", auth.probe),
        ],
    )
