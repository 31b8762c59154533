"""An engine and everything under it, on a real Redis, a real PostgreSQL and the model server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from sqlalchemy import text

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.grpc.deadline import within_deadline
from chassis.ids import new_id
from chassis.testing import ModelServer, eventually, sample
from chat_service.answer.domain.ending import RunStatus
from chat_service.answer.domain.frame import Frame
from chat_service.notices.domain.notice import Notice
from chat_service.prompt.memory import ModelMemory
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.errors import KeyNotFound
from chat_service.providers.domain.use import Use
from chat_service.providers.patience import SHIPPED as USUAL_PATIENCE
from chat_service.providers.patience import ServerPatience
from chat_service.redis_client import REDIS_ERRORS
from chat_service.runs.domain.admission import AcceptedRun
from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.read import RunWithMessages, find_run
from chat_service.streaming.cache.answers import AnswerCache
from chat_service.streaming.cache.kept_answers import KeptAnswers
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.own.heartbeat import Heartbeat
from chat_service.streaming.own.takeover import Takeover
from chat_service.streaming.store.replicas import Replicas
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.wiring import build_streaming
from chat_service.streaming.write.alternatives import Alternatives
from chat_service.streaming.write.means import Bounds, GenerationMeans
from chat_service.words.domain.word_filter import InForce, no_words
from parley_local.model_server.server import ModelServer as ScriptedServer
from parley_local.model_server.steps import Act, Script
from servicekit.generation_parameters import GenerationParameters

# `chat` is a fixture of the conftest above; a test module cannot import its class by name.
Chat = Any

FLUSH_SECONDS = 0.02

#: Heartbeats come often, and who has none is dead soon.
SHORT_LIVES = Timings(heartbeat=0.05, dead=0.3)

#: For tests of what is done while Redis is there: a machine on which an append takes a quarter of a second longer
#: is busy, and what it would then write elsewhere is looked for in the log.
PATIENT = replace(SHIPPED, append=20.0)


class Rig:
    """One replica's engine. A second one on the same ``chat`` and prefix is another replica.

    Its runs are those of the replica that ``chat`` accepts for. Its own heartbeat and sweep do not
    run: tests start those that they are about.
    """

    def __init__(
        self,
        chat: Chat,
        redis_url: str,
        prefix: str,
        bounds: Bounds,
        *,
        drain_seconds: float = 5.2,
        flush_seconds: float = FLUSH_SECONDS,
        streams_per_host: int = 100,
        allowed_hosts: Sequence[str] = ("127.0.0.0/8",),
        timings: Timings = PATIENT,
        in_force: InForce = no_words,
        cache: AnswerCache | None = None,
        # So long as it is needed: who ends a test does not wait for readers that may still come.
        linger: float = 0.2,
        patience: ServerPatience = USUAL_PATIENCE,
    ) -> None:
        self.chat = chat
        # What a fallback can be resolved to, what was, and what was told of connections.
        self.connections: dict[UUID, Connection] = {}
        self.resolved: list[UUID] = []
        self.uses: list[Use] = []
        # Of five seconds for each of those calls, how many the call that is being served left.
        self.left: list[float] = []
        self.told: list[Notice] = []
        timings = replace(timings, linger=linger)
        self.timings = timings
        self.log = RunLog(redis_url, prefix=prefix, timings=timings)
        self.provider = ModelClient(
            AddressPolicy(allowed_hosts),
            streams=100,
            per_host=streams_per_host,
            patience=patience,
        )
        self.streaming = build_streaming(
            "replica-1",
            log=self.log,
            means=GenerationMeans(
                self.provider,
                bounds,
                Alternatives(
                    self._resolve, chat.turns.may_use, chat.turns.note_fallback, ModelMemory()
                ),
                in_force,
                KeptAnswers(cache, chat.open_transaction) if cache else None,
            ),
            turns=chat.turns,
            open_transaction=chat.open_transaction,
            worker=chat.worker,
            report_use=self._note_use,
            tell=self.told.append,
            flush_seconds=flush_seconds,
            drain_seconds=drain_seconds,
            timings=timings,
        )
        self.fallback = self.streaming.fallback
        self.finaliser = self.streaming.finaliser
        self.followers = self.streaming.followers
        self.channels = self.streaming.channels
        self.engine = self.streaming.engine
        self.parts = [self.log, self.provider, self.finaliser, self.streaming.reports, self.engine]

    def goes_on(self, alternatives: Alternatives) -> None:
        """Have the next answers go on with these where a connection fails."""
        self.engine._means = replace(self.engine._means, alternatives=alternatives)

    async def _resolve(self, key_id: UUID | None) -> Connection:
        assert key_id is not None
        self.left.append(within_deadline(5.0))
        self.resolved.append(key_id)
        if key_id not in self.connections:
            raise KeyNotFound()
        return self.connections[key_id]

    async def _note_use(self, use: Use) -> None:
        self.left.append(within_deadline(5.0))
        self.uses.append(use)

    async def start(self) -> None:
        for part in self.parts:
            await part.start()

    async def stop(self) -> None:
        for part in reversed(self.parts):
            await part.stop()

    async def let_go(self) -> None:
        """Have said to Redis what is to be said, unless it is away."""
        try:
            await self.log.probe()
        except REDIS_ERRORS:
            return
        await eventually(self._everything_is_written, timeout=20)

    def _everything_is_written(self) -> bool:
        held = self.streaming.held
        return not held["logs to let go"] and bool(
            held["generations"] or not held["runs with news"]
        )

    async def nothing_is_held(self) -> None:
        """Once it has stopped, no run of a test has left anything, however the run ended."""

        def nothing() -> bool:
            # What is to be said to Redis is for as long as the process lives: see `let_go`.
            of_redis = {"logs to let go", "runs with news"}
            held = {
                name: count
                for name, count in self.streaming.held.items()
                if count and name not in of_redis
            }
            assert not held
            return True

        await eventually(nothing, timeout=20)

    async def find(self, run: Run) -> RunWithMessages | None:
        return await find_run(self.chat.open_transaction, run, run.id)

    def heartbeat(
        self,
        replica: str,
        generates: Callable[[UUID], bool] | None = None,
        **other: Any,
    ) -> Heartbeat:
        """Looks after the runs of ``replica``, which has no heartbeat until this is started.

        Who has none is dead soon; ``other`` are timings that differ.
        """
        timings = replace(SHORT_LIVES, **other)
        replicas = Replicas(self.chat.worker)
        return Heartbeat(
            replica=replica,
            replicas=replicas,
            takeover=Takeover(
                replica=replica,
                replicas=replicas,
                log=self.log,
                fallback=self.fallback,
                finaliser=self.finaliser,
                find_run=self.find,
                generates=generates or self.engine.generates,
                timings=timings,
            ),
            cancel=self.engine.cancel,
            reconcile=self.engine.reconcile,
            timings=timings,
        )

    async def ask(
        self,
        caller: Caller,
        server: ModelServer,
        model: str,
        prefix: str = "",
        api_key: str = "sk-very-secret-key",
        provider: str = "openai",
        parameters: GenerationParameters | None = None,
    ) -> AcceptedRun:
        connection = Connection(
            key_id=new_id(),
            name="scripted",
            api_key=api_key,
            model=model,
            base_url=server.base_url,
            provider=provider,
        )
        accepted: AcceptedRun = await self.chat.accept(caller, None, "a question", model=model)
        run = accepted.run
        if parameters is not None:
            run = replace(run, parameters=parameters)
        self.engine.begin(run, connection, accepted.prompt, prefix)
        return accepted

    async def follow(self, run: Run, after: int = 0) -> list[Frame]:
        """The rest of a run, to its end."""
        async with asyncio.timeout(120):
            return [frame async for batch in self.followers.follow(run, after) for frame in batch]

    async def ended(self, run: Run) -> RunWithMessages:
        """The run as the database has it, once it has ended."""

        async def found() -> RunWithMessages | None:
            ended = await self.find(run)
            assert ended is not None
            return None if ended.run.status is RunStatus.RUNNING else ended

        ended = await eventually(found)
        assert ended is not None
        return ended

    async def answer(self, caller: Caller, run: Run) -> Any:
        """The answer as it is saved."""
        _, answer = await self.chat.messages(caller, run.session_id)
        return answer

    async def execute(self, statement: str, run: Run) -> int:
        """A statement about a run, ``:id``, in the worker's role; how many rows it touched."""
        async with self.chat.worker.transaction() as connection:
            touched: int = (await connection.execute(text(statement), {"id": run.id})).rowcount
            return touched

    @staticmethod
    def joined(frames: Sequence[Frame], event: str = "delta") -> str:
        return "".join(orjson.loads(f.data)["text"] for f in frames if f.event == event)

    @staticmethod
    def end(frames: Sequence[Frame]) -> dict[str, Any]:
        data: dict[str, Any] = orjson.loads(frames[-1].data)
        return data


MakeRig = Callable[..., Rig]


def gauges() -> dict[str, float | None]:
    """Runs that are generated, saved, and read over channels, as this process counts them."""
    names = ("chat_live_runs", "chat_unsaved_runs", "chat_channel_runs")
    return {name: sample(name) for name in names}


@pytest.fixture
def bounds() -> Bounds:
    return Bounds(
        first_token_seconds=60, idle_seconds=60, total_seconds=180, answer_bytes=1024 * 1024
    )


@pytest_asyncio.fixture
async def make_rig(chat: Chat, redis_prefix: str, bounds: Bounds) -> AsyncIterator[Any]:
    """``await make_rig(redis_url)``: a replica of this test's own; stopped after it."""
    rigs: list[Rig] = []
    before = gauges()

    async def make(redis_url: str, **options: Any) -> Rig:
        rig = Rig(chat, redis_url, redis_prefix, **{"bounds": bounds, **options})
        rigs.append(rig)
        await rig.start()
        return rig

    yield make
    for rig in rigs:
        await rig.let_go()
        await rig.stop()
        await rig.nothing_is_held()
    # Not 0: what one test has left must not fail every other one behind it.
    assert gauges() == before


@pytest_asyncio.fixture
async def rig(make_rig: Any, redis_url: str) -> Rig:
    rig: Rig = await make_rig(redis_url)
    return rig


@dataclass(frozen=True)
class Served:
    """Where a server of a test's own listens."""

    base_url: str


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """A model server that answers everything with these acts."""
    listeners: list[asyncio.Server] = []

    async def begin(*acts: Act) -> Served:
        server = ScriptedServer(scripts={"m": Script(acts)})
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(server.connection, "127.0.0.1", 0)
        listeners.append(listener)
        return Served(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1")

    yield begin
    for listener in listeners:
        listener.close()
