"""What streaming is made of: built once, for the service and for its tests."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction
from chassis.health import Check
from chat_service.asides.behind import Behind, nothing
from chat_service.notices.domain.notice import Tell
from chat_service.providers.domain.use import ReportUse
from chat_service.runs.domain.run import Run
from chat_service.runs.store.turns import Turns
from chat_service.runs.usecases.finish import finish_run
from chat_service.runs.usecases.here import RunsHere
from chat_service.runs.usecases.read import RunWithMessages, find_run
from chat_service.served import Served, Subject
from chat_service.streaming.engine import Engine
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.own.finaliser import Finaliser
from chat_service.streaming.own.heartbeat import Heartbeat
from chat_service.streaming.own.sweep import Sweep
from chat_service.streaming.own.takeover import Takeover
from chat_service.streaming.read.channel import FrameChannels
from chat_service.streaming.read.follow import Followers
from chat_service.streaming.rpc import POLICY, FrameServicer
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.write.means import GenerationMeans
from chat_service.streaming.write.reports import UseReports
from parley.chat.v1 import chat_pb2_grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming(Subject):
    """One replica's streaming."""

    log: RunLog
    fallback: FallbackLog
    finaliser: Finaliser
    followers: Followers
    channels: FrameChannels
    reports: UseReports
    engine: Engine

    @property
    def here(self) -> RunsHere:
        """What runs are to others than their readers."""
        return RunsHere(
            in_memory=self.followers,
            cancel=self.engine.cancel,
            recall=self.followers.recall,
            subscribe=self.engine.subscribe,
        )

    @property
    def held(self) -> dict[str, int]:
        """What is kept for runs and their readers: 0 of each once all have ended and are forgotten."""
        return (
            self.log.held
            | self.finaliser.held
            | self.followers.held
            | self.channels.held
            | self.engine.held
            | self.reports.held
        )


def build_streaming(
    replica: str,
    *,
    log: RunLog,
    means: GenerationMeans,
    turns: Turns,
    open_transaction: OpenTransaction,
    worker: Database,
    report_use: ReportUse,
    tell: Tell,
    flush_seconds: float,
    drain_seconds: float,
    timings: Timings = SHIPPED,
    behind: Behind = nothing,
    doubt_notices: Callable[[], None] = lambda: None,
) -> Streaming:
    """The streaming of replica ``replica``; ``worker`` is connected in the background role.

    ``tell`` hears of each turn's run when it begins, and when its end is saved; ``behind`` then, too,
    of each run that is generated here. ``doubt_notices`` is called where a replica has died, perhaps with notices that
    it had yet to tell. The ``log``, and what ``means`` ask and keep answers in, are among the
    components.
    """

    async def find(run: Run) -> RunWithMessages | None:
        return await find_run(open_transaction, run, run.id)

    fallback = FallbackLog(worker, swept_rows=timings.swept_rows)
    replicas = Replicas(worker)
    finaliser = Finaliser(log, partial(finish_run, turns), find, tell=tell, timings=timings)
    followers = Followers(log, fallback, find, flush_seconds=flush_seconds, timings=timings)
    channels = FrameChannels()
    reports = UseReports(report_use)
    engine = Engine(
        log=log,
        fallback=fallback,
        finaliser=finaliser,
        followers=followers,
        channels=channels,
        means=means,
        reports=reports,
        tell=tell,
        behind=behind,
        flush_seconds=flush_seconds,
        drain_seconds=drain_seconds,
        timings=timings,
    )
    takeover = Takeover(
        replica=replica,
        replicas=replicas,
        log=log,
        fallback=fallback,
        finaliser=finaliser,
        find_run=find,
        generates=engine.generates,
        timings=timings,
    )
    heartbeat = Heartbeat(
        replica=replica,
        replicas=replicas,
        takeover=takeover,
        cancel=engine.cancel,
        reconcile=engine.reconcile,
        timings=timings,
    )
    return Streaming(
        log=log,
        fallback=fallback,
        finaliser=finaliser,
        followers=followers,
        channels=channels,
        reports=reports,
        engine=engine,
        served=[
            Served(
                FrameServicer(open_transaction, followers, channels, replica, means.in_force),
                chat_pb2_grpc.add_FrameServiceServicer_to_server,
                POLICY,
            )
        ],
        components=[
            log,
            *([] if means.cache is None else [means.cache.cache]),
            means.provider,
            finaliser,
            reports,
            engine,
            heartbeat,
            Sweep(log, fallback, replicas, on_death=doubt_notices, timings=timings),
        ],
        checks=[Check("redis", log.probe)],
    )
