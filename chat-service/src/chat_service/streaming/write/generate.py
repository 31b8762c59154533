"""One generation: the provider's stream read into a live run, to its typed end.

It is one class, longer than others: each piece that comes changes what its clocks, its bounds, another connection
and its verdict go by, and parts would share all of that.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace
from typing import Any, TypeVar
from uuid import UUID

from chassis.telemetry.logging import get_logger
from chassis.telemetry.redaction import hide
from chat_service.answer.domain.ending import (
    CONTENT_FILTER,
    OTHER_FINISH_REASON,
    Usage,
    known_finish_reason,
)
from chat_service.answer.domain.frame import ADAPTED, FALLBACK
from chat_service.providers.domain.connection import Connection, Learnt
from chat_service.providers.domain.learnt import Told
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderError
from chat_service.providers.port import THINKING, End, Piece
from chat_service.runs.domain.admission import Prepare
from chat_service.runs.domain.run import Run
from chat_service.streaming.log.live import LiveRun
from chat_service.streaming.write.alternatives import fallback_event
from chat_service.streaming.write.flush import Flusher
from chat_service.streaming.write.from_cache import NOTHING, FromCache
from chat_service.streaming.write.means import GenerationMeans
from chat_service.streaming.write.preparing import let_go_of_pictures, prepared
from chat_service.streaming.write.verdict import (
    BROKEN,
    COMPLETED,
    CUT_BY_FILTER,
    IDLE,
    NO_TOKEN,
    REFUSED_BY_FILTER,
    SHUTTING_DOWN,
    TOO_LARGE,
    TOO_LONG,
    Verdict,
    can_be_mended,
    is_too_long,
    verdict_of_end,
    verdict_of_error,
)
from servicekit.generation_parameters import GenerationParameters

_log = get_logger(__name__)

Result = TypeVar("Result")

_LOGGED_CHARACTERS = 2000
_LOGGED_WORD_CHARACTERS = 64
# What a provider may send for each byte of text, and beside all that. A piece of one letter comes in some
# 300 bytes; more than that on the whole is comments or emptiness without end. Beside it stands what
# is not shown: thinking that is sealed, padding, a comment each second.
_BYTES_FOR_A_BYTE = 512
_BYTES_BESIDE = 16 * 1024 * 1024
# In UTF-8, at most.
_BYTES_OF_A_CHARACTER = 4


class Generation:
    """Reads one answer, once a flush of ``flusher``."""

    def __init__(self, live: LiveRun, means: GenerationMeans, flusher: Flusher) -> None:
        self._in_force = means.in_force
        self.from_cache = FromCache(means.cache, live)
        self.live = live
        self.prompt: Sequence[PromptMessage] = ()
        # Of the connections that were asked, what came of each but the last.
        self.failed: list[tuple[Connection, Verdict]] = []
        # What their servers refused, by connection.
        self.learnt: dict[UUID, tuple[Learnt, ...]] = {}
        self._alternatives = means.alternatives
        self.usage: Usage | None = None
        self.finish_reason: str | None = None
        # Said by a server that refused the prompt as too long.
        self.most_tokens: int | None = None
        self._provider = means.provider
        self._bounds = means.bounds
        self._flusher = flusher
        self._loop = asyncio.get_running_loop()
        self._began = self._heard = self._loop.time()
        self._spoke = False
        self._bytes = 0
        self._has_text = self._has_thinking = False
        # What it goes on with, if anything, is there already.
        self._began_with_text = bool(live.text_bytes)
        self._noted = False
        self._told_adapted = False
        # Whether the prompt was sent as one to a model that knows no system, by the last that was asked.
        self._in_turns = False
        self._verdict: Verdict | None = None
        # Of one connection, which another may follow.
        self._given_up: Verdict | None = None
        self._doing: asyncio.Task[Any] | None = None
        live.on_refused = self._end_refused

    async def run(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage] | Prepare,
        wishes: GenerationParameters,
    ) -> Verdict:
        """Read to the end, or until :meth:`end`. What came stays in the run, whatever happens.

        Where ``connection`` fails before the first of the answer, and another server can mend that, the
        one that it names is asked in its place, for its own model and with its own parameters, but for
        the ``wishes`` of the question. One that refuses the prompt as too long is asked once more, with as much
        of it as it takes.
        """
        verdict = await self._run(connection, prompt, wishes)
        # Whatever ended it: behind this nothing may still become a word.
        self.live.finish()
        self._account_as_sent()
        if not self.live.refused:
            return verdict
        self.finish_reason = CONTENT_FILTER
        answer, _ = self.live.answer()
        return CUT_BY_FILTER if answer.text.strip() else REFUSED_BY_FILTER

    async def _run(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage] | Prepare,
        wishes: GenerationParameters,
    ) -> Verdict:
        self.connection = connection
        if callable(prompt):
            made = await self._do(prepared(self.live.run, prompt))
            if made is None or isinstance(made, Verdict):
                return self._verdict or made or self._given_up or SHUTTING_DOWN
            self.live.run, prompt = made
            self._heard = self._loop.time()
        self.prompt = prompt
        if await self._do(self.from_cache.look(connection, prompt)):
            return self._say_kept()
        run = self.live.run
        tried = [connection]
        model, parameters = run.model, run.parameters
        is_shortened = False
        while True:
            self._give_time()
            read = self._read(connection, self.prompt, model, parameters)
            verdict = await self._do(read)
            if verdict is None:
                verdict = self._verdict or self._given_up or SHUTTING_DOWN
            if self._spoke or self._verdict is not None:
                return verdict
            if is_too_long(verdict) and not is_shortened:
                less = self._alternatives.less(run, connection, self.prompt, self.most_tokens)
                if less is not None:
                    is_shortened = True
                    run, self.prompt = less
                    self._begin_again(run, len(self.prompt))
                    continue
            if not can_be_mended(verdict):
                return verdict
            # To find another takes time that is not the failed one's.
            self._heard = self._loop.time()
            following = await self._do(self._alternatives.following(run, tried, self.prompt))
            if following is None:
                return self._ended() or verdict
            parameters = wishes.over(following.parameters)
            noted = await self._do(
                self._alternatives.note(run, connection, verdict, following, parameters)
            )
            if noted is None:
                return self._ended() or verdict
            noted, self.prompt = self._alternatives.fit(noted, self.prompt, following)
            self._fall_back(connection, verdict, following, noted)
            connection, model, run = following, following.model, noted
            is_shortened = False

    def _account_as_sent(self) -> None:
        run = self.live.run
        if self._in_turns and run.context is not None:
            self.live.run = replace(run, context=run.context.in_turns(self.prompt))

    def _say_kept(self) -> Verdict:
        """What was kept is said as a model would have said it."""
        self.finish_reason, self.usage = "stop", NOTHING
        self._spoke = True
        self._flusher.mark(self.live, urgent=True)
        return self._ended() or COMPLETED

    def _ended(self) -> Verdict | None:
        """Why it was ended from outside, if it was by now."""
        return self._verdict

    async def _do(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """``work``, as a task of its own: ending it early must not touch what comes after, the saving.

        None: it was ended, perhaps before it began.
        """
        if self._verdict is not None:
            work.close()
            return None
        self._doing = asyncio.create_task(work)
        await asyncio.wait({self._doing})
        return None if self._doing.cancelled() else self._doing.result()

    def _give_time(self) -> None:
        """Whoever is asked now has all its time to begin, also where what came before took too long."""
        self._heard, self._given_up = self._loop.time(), None

    def _begin_again(self, run: Run, messages: int) -> None:
        """The same connection is asked once more, before the first of the answer."""
        self.live.run = run
        self.usage = self.finish_reason = None
        _log.info("run.prompt_shortened", run_id=str(run.id), messages=messages)

    def _fall_back(
        self, failed: Connection, verdict: Verdict, following: Connection, run: Run
    ) -> None:
        """Say so to whoever reads, and to whoever ends the run, before the first of the answer."""
        self.live.run = run
        for secret in following.secrets():
            hide(secret)
        self.failed.append((failed, verdict))
        self.connection = following
        self.usage = self.finish_reason = None
        self._told_adapted = False
        self._has_text = self._has_thinking = False
        _log.info(
            "run.fell_back",
            run_id=str(self.live.run.id),
            reason=verdict.reason,
            from_key_id=str(failed.key_id),
            key_id=str(following.key_id),
        )
        self.live.add_event(FALLBACK, fallback_event(failed, verdict, following))
        self._flusher.mark(self.live)

    def end(self, verdict: Verdict) -> None:
        """End it now, and close the provider's connection; the first verdict counts."""
        if self._verdict is None:
            self._verdict = verdict
            if self._doing is not None:
                self._doing.cancel()

    def _end_refused(self) -> None:
        self.end(CUT_BY_FILTER)

    def check_clocks(self) -> None:
        """End it, or what one connection makes of it, if one of its bounds in time has passed."""
        now = self._loop.time()
        silent = now - self._heard
        if now - self._began > self._bounds.total_seconds:
            self.end(TOO_LONG)
        elif self._spoke:
            if silent > self._bounds.idle_seconds:
                self.end(IDLE)
        elif (
            silent > self._bounds.first_token_seconds
            and self._given_up is None
            and self._doing is not None
        ):
            self._given_up = NO_TOKEN
            self._doing.cancel()

    async def _read(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        model: str,
        parameters: GenerationParameters,
    ) -> Verdict:
        run = self.live.run
        end = End.EARLY
        told = Told()
        try:
            pieces = self._provider.stream(
                connection,
                prompt,
                model=model,
                parameters=parameters,
                next_read=self._flusher.next_read,
                take=self._take_if_it_fits,
                told=told,
            )
            async with aclosing(pieces):
                async for piece in pieces:
                    if piece.parts or piece.end:
                        self._tell_adapted(told)
                    self._take(piece)
                    if piece.end is not None:
                        end = piece.end
                    if self._is_too_large():
                        return TOO_LARGE
        except ProviderError as error:
            # The provider's text may quote the key, which the log does not show (`hide`).
            _log.warning(
                "run.provider_failed",
                run_id=str(run.id),
                reason=error.reason,
                text=self._masked(error.text[:_LOGGED_CHARACTERS]),
                # What it is raised from quotes the text as it came.
                exc_info=error if self._in_force() is None else None,
            )
            self.most_tokens = error.most_tokens
            verdict = verdict_of_error(error)
            message = verdict.told.get("provider_message")
            if message is None:
                return verdict
            return replace(
                verdict, told={**verdict.told, "provider_message": self._masked(message)}
            )
        except Exception as error:  # noqa: BLE001 - whatever broke, the answer so far is saved
            _log.error("run.broke", run_id=str(run.id), exc_info=error)
            return BROKEN
        finally:
            self._in_turns = told.in_turns
            self._note_learnt(connection, model, told)
        return verdict_of_end(
            end,
            self.finish_reason,
            has_text=self._has_text or self._began_with_text,
            has_thinking=self._has_thinking,
        )

    def _note_learnt(self, connection: Connection, model: str, told: Told) -> None:
        if told.learnt:
            learnt = (Learnt(model, one.parameter, one.use) for one in told.learnt)
            self.learnt[connection.key_id] = tuple(learnt)

    def _masked(self, text: str) -> str:
        words = self._in_force()
        return text if words is None else words.masked(text)

    def _tell_adapted(self, told: Told) -> None:
        """What is known, and told, before the first word; once."""
        if told.adapted and not self._told_adapted:
            self._told_adapted = True
            self.live.add_event(ADAPTED, {"adapted": [asdict(one) for one in told.adapted]})

    def _is_too_large(self) -> bool:
        return self.live.text_bytes > self._bounds.answer_bytes or self._is_empty(self._bytes)

    def _is_empty(self, size: int) -> bool:
        """Whether that is more than anybody sends who has no more to say."""
        return size > _BYTES_BESIDE + _BYTES_FOR_A_BYTE * self.live.text_bytes

    def _take_if_it_fits(self, piece: Piece) -> bool:
        """Take a piece that certainly does not make the answer too large."""
        longest = self.live.text_bytes + _BYTES_OF_A_CHARACTER * piece.characters
        if longest > self._bounds.answer_bytes or self._is_empty(self._bytes + piece.size):
            return False
        self._take(piece)
        return True

    def _take(self, piece: Piece) -> None:
        self._bytes += piece.size
        if piece.usage is not None:
            self.usage = piece.usage
        if piece.finish_reason is not None:
            self.finish_reason = known_finish_reason(piece.finish_reason)
            if self.finish_reason == OTHER_FINISH_REASON:
                self._note_finish_reason(piece.finish_reason)
        if not piece.parts:
            return
        for kind, said in piece.parts:
            if kind == THINKING:
                self._has_thinking = True
                self.live.add_reasoning(said)
            else:
                self._has_text = self._has_text or not said.isspace()
                self.live.add_text(said)
        self._heard = self._loop.time()
        self._flusher.mark(self.live, urgent=not self._spoke)
        if not self._spoke:
            self._spoke = True
            let_go_of_pictures(self.prompt)

    def _note_finish_reason(self, word: str) -> None:
        """Once for each run, however often its provider says it."""
        if not self._noted:
            self._noted = True
            _log.info(
                "run.finish_reason_unknown",
                run_id=str(self.live.run.id),
                word=word[:_LOGGED_WORD_CHARACTERS],
            )
