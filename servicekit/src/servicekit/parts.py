"""The parts that every service of users' data has, wired to each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from chassis.db.engine import Database
from chassis.db.idempotency import AnswerSweep
from chassis.db.schema import SchemaCheck
from chassis.dead_letters.letters import DeadLetters
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer, Method
from chassis.grpc.trust import TrustStore
from chassis.grpc.trust_feed import TrustFeed
from chassis.health import Check
from chassis.jetstream import Consumer, JetStream
from chassis.outbox import Relay
from chassis.service import Component, Service
from parley.events.rights import USER_ERASED_BY_ANYBODY, deletions_for, user_erased_by
from servicekit.erasure import Step, UserDeletedHandler
from servicekit.settings import DatabaseServiceSettings, UserServiceSettings
from servicekit.trust import watch_revocations


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is built on; :meth:`service` puts it together with what is its own.

    ``database`` is connected in the app's role, ``worker`` in that of background jobs. ``trust`` has what
    auth-service says of tokens, as soon as the service runs.
    """

    name: str
    settings: UserServiceSettings
    database: Database
    worker: Database
    auth: Channel
    trust: TrustStore

    def service(
        self,
        *,
        migrations: Path,
        policy: Mapping[str, Mapping[str, Method]],
        register: Callable[[grpc.aio.Server], None],
        erasure: Sequence[Step],
        components: Sequence[Component] = (),
        checks: Sequence[Check] = (),
    ) -> Service:
        """The service, not started yet.

        ``erasure`` are the steps that take away what it keeps of a user, in their order.
        ``components`` are its own, started behind databases and events and before the consumer
        and the server; ``checks`` those of its health, beside the standard ones.
        """
        events = JetStream(
            self.settings.nats_url.get_secret_value(),
            prefix=self.settings.events_prefix,
            name=self.name,
        )
        relay = Relay(
            self.worker,
            events,
            moved={
                events.subject(USER_ERASED_BY_ANYBODY): events.subject(user_erased_by(self.name))
            },
        )
        dead_letters = DeadLetters(self.worker)
        user_deleted = Consumer(
            events,
            durable=deletions_for(self.name),
            handler=UserDeletedHandler(
                self.name, self.worker, erasure, subject=events.subject, announce=relay.wake
            ),
            dead_letters=dead_letters,
        )
        server = GrpcServer(
            settings=self.settings,
            policy=policy,
            register=register,
            verifier=TokenVerifier(self.trust),
        )
        return Service(
            self.name,
            self.settings,
            components=[
                self.database,
                self.worker,
                events,
                relay,
                AnswerSweep(self.worker),
                self.auth,
                TrustFeed(self.trust, lambda: watch_revocations(self.auth)),
                *components,
                dead_letters,
                user_deleted,
                server,
            ],
            checks=[
                Check("database", self.database.ping, critical=True),
                Check("schema", SchemaCheck(self.database, migrations), critical=True),
                Check("token-keys", self.trust.probe, critical=True),
                Check("nats", events.ping),
                Check("auth-service", self.auth.probe),
                *checks,
            ],
        )


def parts_of(
    name: str,
    settings: UserServiceSettings,
    *,
    worker_statement_seconds: float = 10.0,
    plan_once: bool = False,
) -> Parts:
    """The parts of the service called ``name``, which is also its certificate's name.

    Of its databases, see :func:`app_and_worker`.
    """
    database, worker = app_and_worker(
        name, settings, worker_statement_seconds=worker_statement_seconds, plan_once=plan_once
    )
    return Parts(
        name,
        settings,
        database=database,
        worker=worker,
        auth=Channel(target=settings.auth_target, server="auth-service", settings=settings),
        trust=TrustStore(),
    )


def app_and_worker(
    name: str,
    settings: DatabaseServiceSettings,
    *,
    worker_statement_seconds: float = 10.0,
    plan_once: bool = False,
) -> tuple[Database, Database]:
    """The service's database in the app's role, and in that of background jobs.

    A statement of a background job may take ``worker_statement_seconds``; those of the app's role are planned once for
    all values with ``plan_once`` (`chassis.db.engine`).
    """
    database = Database(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name=name,
        plan_once=plan_once,
    )
    worker = Database(
        settings.worker_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application_name=f"{name} worker",
        statement_seconds=worker_statement_seconds,
    )
    return database, worker
