"""What the chat service is made of."""

from functools import partial

from chassis.grpc.client import Channel
from chassis.health import Check
from chassis.ids import new_id
from chassis.service import Service
from chassis.settings import UnusableSetting, variable_of
from chat_service.apikeys import resolve_key_over
from chat_service.domain.limits import Limits
from chat_service.domain.prompt import Window
from chat_service.domain.run import Run, RunStatus
from chat_service.migrations import MIGRATIONS
from chat_service.providers.guard import AddressPolicy
from chat_service.providers.openai import OpenAiProvider
from chat_service.rpc import POLICY, ChatServicer
from chat_service.settings import NAME, Settings
from chat_service.store.erasure import DeleteConversations, end_live_runs
from chat_service.store.frames import PostgresRunFrames
from chat_service.store.replicas import PostgresReplicas
from chat_service.store.transaction import transactions
from chat_service.store.turns import PostgresTurns
from chat_service.streaming.engine import Engine
from chat_service.streaming.finaliser import Finaliser
from chat_service.streaming.follow import EndedRun, Followers
from chat_service.streaming.generate import Bounds
from chat_service.streaming.log import RunLog
from chat_service.streaming.ownership import Ownership
from chat_service.streaming.sweep import Sweep
from chat_service.streaming.trunk import Trunks
from chat_service.usecases.continue_run import ContinueRun
from chat_service.usecases.finish_run import finish_run
from chat_service.usecases.get_run import find_run
from chat_service.usecases.start_run import StartRun
from parley.chat.v1.chat_pb2_grpc import add_ChatServiceServicer_to_server
from servicekit.parts import parts_of


def build(settings: Settings) -> Service:
    """The service, not started yet. Raises UnusableSetting."""
    # An erasure may delete a hundred thousand messages at a time.
    parts = parts_of(NAME, settings, worker_statement_seconds=60)
    database, worker = parts.database, parts.worker
    open_transaction, turns = transactions(database), PostgresTurns(database)

    apikey = Channel(target=settings.apikey_target, server="apikey-service", settings=settings)
    resolve_key = resolve_key_over(apikey)

    log = _run_log(settings)
    provider = OpenAiProvider(
        AddressPolicy(settings.allowed_hosts),
        streams=settings.provider_connections,
        per_host=settings.provider_connections_per_host,
    )

    async def find_ended_run(run: Run) -> EndedRun | None:
        found = await find_run(open_transaction, run, run.id)
        return None if found is None else EndedRun(found.run, found.answer)

    async def status_of(run: Run) -> RunStatus | None:
        found = await find_run(open_transaction, run, run.id)
        return None if found is None else found.run.status

    finaliser = Finaliser(log, partial(finish_run, turns), status_of)

    run_frames = PostgresRunFrames(worker)
    followers = Followers(log, run_frames, find_ended_run, tick_seconds=settings.tick_seconds)
    trunks = Trunks()
    engine = Engine(
        log=log,
        frames=run_frames,
        provider=provider,
        finaliser=finaliser,
        followers=followers,
        trunks=trunks,
        bounds=Bounds(
            first_token_seconds=settings.first_token_seconds,
            idle_seconds=settings.idle_seconds,
            total_seconds=settings.total_seconds,
            answer_bytes=settings.answer_bytes,
        ),
        tick_seconds=settings.tick_seconds,
        drain_seconds=settings.drain_seconds,
    )
    replica = str(new_id())
    replicas = PostgresReplicas(worker)
    ownership = Ownership(
        replica=replica,
        replicas=replicas,
        log=log,
        frames=run_frames,
        finaliser=finaliser,
        find_run=find_ended_run,
        generates=engine.generates,
        cancel=engine.cancel,
        keep=engine.keep,
    )
    window = Window(settings.window_messages, settings.window_characters)
    limits = Limits(
        content_characters=settings.content_characters,
        runs_per_user=settings.runs_per_user,
        answer_bytes=settings.answer_bytes,
    )
    start_run = StartRun(
        turns, open_transaction, resolve_key, engine, owner=replica, window=window, limits=limits
    )
    continue_run = ContinueRun(
        open_transaction, resolve_key, engine, owner=replica, window=window, limits=limits
    )

    servicer = ChatServicer(
        open_transaction,
        resolve_key,
        start_run,
        continue_run,
        engine.follow,
        followers,
        engine.cancel,
        engine.recall,
        engine.board,
        trunks,
        replica,
    )
    return parts.service(
        migrations=MIGRATIONS,
        policy=POLICY,
        register=lambda server: add_ChatServiceServicer_to_server(servicer, server),
        erasure=[end_live_runs, DeleteConversations(engine.forget)],
        components=[
            apikey,
            log,
            provider,
            finaliser,
            engine,
            ownership,
            Sweep(log, run_frames, replicas),
        ],
        checks=[Check("redis", log.probe), Check("apikey-service", apikey.probe)],
    )


def _run_log(settings: Settings) -> RunLog:
    try:
        return RunLog(settings.redis_url.get_secret_value(), prefix=settings.redis_prefix)
    except ValueError:  # redis-py's own, which may quote the URL
        raise UnusableSetting(
            variable_of(Settings, "redis_url"), "an option of the URL has no value that it can have"
        ) from None
