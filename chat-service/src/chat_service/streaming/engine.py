"""The engine: generates the answers of this replica's runs, and lets anybody follow them.

A generation is a task of the replica, not of any call: it goes on whoever listens, until the
provider is done, a timer or bound ends it, or the process must go. All that may end one, and whoever has to hear of
it, is in this one file, longer than others, so that the order in which that is done can be read.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from prometheus_client import Counter, Gauge

from chassis.grpc.deadline import set_deadline
from chassis.service import Component
from chassis.tasks import end_task
from chassis.telemetry.logging import get_logger
from chassis.telemetry.redaction import hide
from chat_service.answer.domain.ending import Ending
from chat_service.answer.domain.frame import START, USAGE
from chat_service.asides.behind import Behind, Ended
from chat_service.notices.domain.notice import Tell, run_started
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.redis_client import REDIS_ERRORS
from chat_service.runs.domain.admission import Prepare
from chat_service.runs.domain.run import Run
from chat_service.runs.domain.terminal import terminal_event
from chat_service.streaming.log.history import RunLogUnavailable
from chat_service.streaming.log.live import LiveRun, nobody
from chat_service.streaming.log.redis import RunLog
from chat_service.streaming.own.finaliser import Finaliser, Saved
from chat_service.streaming.read.channel import FrameChannels
from chat_service.streaming.read.follow import Followers
from chat_service.streaming.store.fallback import FallbackLog
from chat_service.streaming.timings import SHIPPED, Timings
from chat_service.streaming.write.flush import Flusher
from chat_service.streaming.write.generate import Generation
from chat_service.streaming.write.means import GenerationMeans
from chat_service.streaming.write.reports import UseReports, uses_of
from chat_service.streaming.write.verdict import CANCELLED, DELETED, SHUTTING_DOWN, Verdict
from chat_service.streaming.write.writer import Writer
from servicekit.generation_parameters import GenerationParameters

_log = get_logger(__name__)

_LIVE = Gauge("chat_live_runs", "Runs this replica is generating.")
_ENDED = Counter("chat_runs_ended_total", "Runs ended, by status and reason.", ["status", "reason"])


def start_of(run: Run) -> dict[str, Any]:
    """The data of the event that begins a run."""
    start: dict[str, Any] = {"run_id": str(run.id)}
    if run.turn is not None:
        start |= {
            "session_id": str(run.turn.session_id),
            "question_id": str(run.turn.question_id),
            "answer_id": str(run.turn.answer_id),
        }
    return {**start, "model": run.model}


class Engine(Component):
    """Begins, follows and ends runs. ``drain_seconds`` is the process's time to go."""

    def __init__(
        self,
        *,
        log: RunLog,
        fallback: FallbackLog,
        finaliser: Finaliser,
        followers: Followers,
        channels: FrameChannels,
        means: GenerationMeans,
        reports: UseReports,
        tell: Tell,
        behind: Behind,
        flush_seconds: float,
        drain_seconds: float,
        timings: Timings = SHIPPED,
    ) -> None:
        self._timings = timings
        self._behind = behind
        self._log = log
        self._finaliser = finaliser
        self._followers = followers
        self._channels = channels
        self._means = means
        self._reports = reports
        self._tell = tell
        self._flush_seconds = flush_seconds
        self._drain_seconds = drain_seconds
        self._writer = Writer(
            log, fallback, on_fenced=self._drop, on_thawed=self._doubt, timings=timings
        )
        self._flusher = Flusher(self._writer, flush_seconds=flush_seconds, timings=timings)
        self._generations: dict[UUID, Generation] = {}
        # Of those, what the last look at the database did not find.
        self._missing: set[UUID] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clocks: asyncio.Task[None] | None = None
        self.draining = False

    @property
    def held(self) -> dict[str, int]:
        """Of the runs that are generated here: how many, and what they wait for."""
        return {
            "generations": len(self._generations),
            "tasks of runs": len(self._tasks),
            "runs with news": self._flusher.waiting,
        }

    async def start(self) -> None:
        await self._flusher.start()
        self._clocks = asyncio.create_task(self._watch_clocks(), name="run-clocks")

    async def drain(self) -> None:
        """Let runs finish and be saved; what has not by then is saved as it is."""
        self.draining = True
        loop = asyncio.get_running_loop()
        patience = loop.time() + max(0.0, self._drain_seconds - self._timings.ending)
        # A run that was being accepted may still begin meanwhile.
        while self._tasks and (left := patience - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        late = len(self._tasks)
        await self._end_all()
        self._channels.close()
        _log.info("engine.drained", interrupted=late)
        # Everything drains at once, and before the last run's end there was nothing to wait for.
        await self._finaliser.drain()

    async def _end_all(self) -> None:
        while self._tasks:
            for generation in list(self._generations.values()):
                generation.end(SHUTTING_DOWN)
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def stop(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timings.stop):
                await self._end_all()
        for task in (self._clocks, *self._tasks):
            if task is not None:
                await end_task(task)
        await self._flusher.stop()

    def begin(
        self,
        run: Run,
        connection: Connection,
        prompt: Sequence[PromptMessage] | Prepare,
        prefix: str = "",
        wishes: GenerationParameters | None = None,
    ) -> None:
        """Generate the answer of an accepted run, from now on and whoever listens.

        ``prefix`` is what the answer begins with when this run goes on with it: readers get it
        as a snapshot behind the start, and it is part of the answer that is saved. ``wishes`` are the
        question's own parameters, for another connection that goes on with it; None: the run's. A ``prompt`` for
        which files have to be read is made in the run's own time.
        """
        live = LiveRun(run, window_bytes=self._timings.window_bytes, in_force=self._means.in_force)
        live.add_event(
            START,
            start_of(run),
        )
        if prefix:
            live.begin_with(prefix)
        self._followers.add(live)
        # A model that begins at once takes the start along with its first token.
        asyncio.get_running_loop().call_later(self._flush_seconds, self._flusher.mark, live)
        generation = Generation(live, self._means, self._flusher)
        self._generations[run.id] = generation
        task = asyncio.create_task(
            self._carry_out(
                generation, connection, prompt, run.parameters if wishes is None else wishes
            ),
            name=f"run-{run.id}",
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if (turn := run.turn) is not None:
            self._tell(
                run_started(run.user_id, run.id, turn.session_id, turn.question_id, turn.answer_id)
            )

    def generates(self, run_id: UUID) -> bool:
        """Whether this replica has the run in hand."""
        return run_id in self._generations

    def cancel(self, run_id: UUID) -> bool:
        """End a run as its user wishes, with what there is of it, and hang up on the provider.

        False: it is not generated here. One that is just being saved is saved as it ended.
        """
        generation = self._generations.get(run_id)
        if generation is None:
            return False
        generation.end(CANCELLED)
        return True

    def reconcile(self, ours: Collection[UUID]) -> None:
        """Give up what the database has not had among ``ours`` in two looks in a row.

        ``ours``: the live runs of this replica. The look that found them may have begun before a
        run did; what was there before the last look and is not now was erased, or taken.
        """
        missing = {
            run_id
            for run_id, generation in self._generations.items()
            if run_id not in ours and not generation.live.ending
        }
        for run_id in missing & self._missing:
            _log.warning("run.lost", run_id=str(run_id))
            self._abandon(self._generations[run_id])
            self._generations[run_id].end(DELETED)
        self._missing = missing

    def subscribe(self, run: Run, gateway_id: str, subscription: int) -> str | None:
        """Put a run's frames on the gateway's channel; returns its id.

        None: there is no channel, or the run is not in memory here.
        """
        channel, window = self._channels.of(gateway_id), self._followers.window_of(run.id)
        if channel is None or window is None:
            return None
        channel.subscribe(subscription, window)
        return channel.id

    async def forget(self, run_ids: Sequence[UUID]) -> None:
        """Stop those of these runs that are ours, and delete the logs: their user is gone.

        Raises RunLogUnavailable.
        """
        for run_id in run_ids:
            if generation := self._generations.get(run_id):
                self._abandon(generation)
                generation.end(DELETED)
        # What is on its way to Redis just now must be there before it is deleted.
        await self._flusher.settle()
        try:
            await self._log.delete(run_ids)
        except REDIS_ERRORS as error:
            # An outage, and no fault of the event that asks for it.
            raise RunLogUnavailable(retry_after=1) from error

    def drop(self, run_ids: Sequence[UUID]) -> None:
        """Stop those of these runs that are ours, and have the logs deleted once Redis listens.

        Their rows are gone.
        """
        for run_id in run_ids:
            if generation := self._generations.get(run_id):
                self._abandon(generation)
                generation.end(DELETED)
            self._log.let_go(run_id, now=True)

    async def _carry_out(
        self,
        generation: Generation,
        connection: Connection,
        prompt: Sequence[PromptMessage] | Prepare,
        wishes: GenerationParameters,
    ) -> None:
        live = generation.live
        # That of the call which began it, which this outlives.
        set_deadline(None)
        for secret in connection.secrets():
            hide(secret)
        try:
            with _LIVE.track_inprogress():
                verdict = await generation.run(connection, prompt, wishes)
                ending = await self._end(generation, verdict)
            hit = generation.from_cache.hit
            if live.saved and not hit:
                await generation.from_cache.keep(ending, generation.prompt)
                self._behind(
                    Ended(
                        live.run,
                        generation.connection,
                        generation.prompt,
                        ending,
                        generation.most_tokens,
                    )
                )
            if not hit:
                self._report(generation, verdict)
            _ENDED.labels(verdict.status.value, verdict.reason or "").inc()
        except Exception as error:  # noqa: BLE001 - whatever broke, nobody may wait for it for ever
            # Its readers look for it elsewhere, and whoever takes it over ends it.
            self._abandon(generation)
            _log.error("run.end_broke", run_id=str(live.run.id), exc_info=error)
        finally:
            self._generations.pop(live.run.id, None)
            # Else each would keep the other, and the answer, until the garbage collector comes by.
            live.on_refused = nobody
            asyncio.get_running_loop().call_later(self._timings.linger, self._let_go, live)

    def _let_go(self, live: LiveRun) -> None:
        self._followers.remove(live)
        live.let_go()

    def _report(self, generation: Generation, verdict: Verdict) -> None:
        """Of each connection that was asked."""
        asked = (generation.failed, generation.connection, verdict, generation.learnt)
        for use in uses_of(*asked):
            self._reports.tell(use)

    async def _end(self, generation: Generation, verdict: Verdict) -> Ending:
        live, run = generation.live, generation.live.run
        if generation.usage is not None:
            live.add_event(USAGE, generation.usage.said())
        answer, last_seq = live.answer()
        # With the next flush, unless the terminal frame is there before and takes it along.
        self._flusher.mark(live)
        ending = Ending(
            status=verdict.status,
            reason=verdict.reason,
            finish_reason=generation.finish_reason,
            text=answer.text,
            reasoning=answer.reasoning,
            usage=generation.usage,
            last_seq=last_seq + 1,
            fallbacks=answer.fallbacks,
            adapted=answer.adapted,
            cache=answer.cache,
        )
        live.ending = True
        saved = await self._finaliser.save(run, ending)
        if saved is Saved.NO:
            # Not ours to end: its followers read on where its new owner writes, if there is
            # one, and nothing of ours goes to the log any more.
            self._abandon(generation)
        live.saved = saved is Saved.YES
        event, data = terminal_event(
            run,
            verdict.status,
            finish_reason=generation.finish_reason,
            saved=live.saved,
            reason=verdict.reason,
            detail=verdict.detail,
            cache=ending.cache,
        )
        live.add_event(event, {**data, **verdict.told})
        self._flusher.mark(live, urgent=True)
        while not live.ended:
            await live.window.wait_behind(last_seq)
        return ending

    async def _drop(self, live: LiveRun) -> None:
        """A later owner has the run: nothing of it is ours to write, show or save any more."""
        _log.warning("run.fenced", run_id=str(live.run.id), epoch=live.run.epoch)
        if generation := self._generations.get(live.run.id):
            self._abandon(generation)
            generation.end(SHUTTING_DOWN)

    def _doubt(self) -> None:
        """Have PostgreSQL asked whose each run is before more of it is shown."""
        for generation in self._generations.values():
            generation.live.in_fallback = True

    def _abandon(self, generation: Generation) -> None:
        generation.live.abandon()
        self._followers.remove(generation.live)

    async def _watch_clocks(self) -> None:
        """One look at all runs' clocks now and then, rather than timers for each token."""
        while True:
            await asyncio.sleep(self._timings.watch)
            self._writer.note_time()
            for generation in list(self._generations.values()):
                generation.check_clocks()
