"""The beginning and the end of a turn, each a transaction by itself: one round trip."""

from datetime import datetime
from uuid import UUID

from chassis.clock import utc_now
from chassis.db.engine import Database, RowOwner
from chat_service.answer.domain.ending import FILTERED, CacheState, Ending
from chat_service.prompt.room import SHIPPED, ContextWindow
from chat_service.providers.domain.connection import Connection
from chat_service.runs.domain.admission import Admission, NewRun
from chat_service.runs.domain.run import Run
from chat_service.runs.store import admission_statements, statements, values
from chat_service.runs.store.deleted import COUNT_DELETED
from chat_service.runs.store.ending_statements import END_LONE_RUN, END_RUN, SHOWN_BYTES
from chat_service.usage.domain.errors import AllowanceUsedUp, UsageLimitReached
from chat_service.usage.domain.rules import NO_RULES, RulesInForce
from chat_service.usage.domain.spent import NO_TOKENS, Tokens, tokens_of
from chat_service.usage.domain.standing import check
from chat_service.usage.store.ledger import USED, to_used, values_of_used


class Turns:
    """Turns on a database, which is connected as the app role.

    By `window` it is estimated how much a model was shown whose server does not count; `rules` say what
    an answer costs.
    """

    def __init__(
        self,
        database: Database,
        window: ContextWindow = SHIPPED,
        rules: RulesInForce = NO_RULES,
    ) -> None:
        self._database = database
        self._window = window
        self._rules = rules

    async def admit(
        self, new: NewRun, window: ContextWindow, runs_per_user: int, guessed_key_id: UUID | None
    ) -> Admission | None:
        """As `Runs.admit`, for a run of a session that is there.

        None: nothing was stored, and only a transaction can say why. Perhaps something is in the
        way, or the run has no key of its own and the session is not set to `guessed_key_id`.
        """
        rows = await self._database.all(
            RowOwner(new.tenant_id, new.user_id),
            admission_statements.ADMIT_AT_ONCE[new.bounds.are_any],
            **values.of_new(new, runs_per_user),
            **values.of_window(window),
            own_key=new.question.key_id is not None,
            guessed_key_id=guessed_key_id,
        )
        if not rows or rows[0].id is None:
            return None
        return values.admission(new, rows)

    async def may_use(self, run: Run, connection: Connection) -> bool:
        """Whether something is left now of all that the run's user may use of a connection."""
        now, bounds = utc_now(), self._rules.content.bounds_of(run, connection)
        if not bounds.are_any:
            return True
        row = await self._database.first(
            RowOwner(run.tenant_id, run.user_id),
            USED,
            user_id=run.user_id,
            **values_of_used(bounds, connection.key_id, now),
        )
        try:
            check(bounds, to_used(row), now)
        except (AllowanceUsedUp, UsageLimitReached):
            return False
        return True

    async def note_fallback(self, run: Run) -> None:
        """Has the row of a live run say what `run` does of the connection that goes on with it.

        Of a run that has ended, or has another owner, nothing is changed. Raises what the database raises.
        """
        await self._database.run(
            RowOwner(run.tenant_id, run.user_id),
            statements.NOTE_FALLBACK,
            **values.of_fallback(run),
        )

    async def end(self, run: Run, ending: Ending, at: datetime) -> bool:
        """Ends a live run that still has this epoch, and stores its answer; False: neither.

        The answer of a run that continues another takes the place of the earlier one, which it
        begins with; if it does not, it is put behind it. Of a run without a turn only the end is
        kept. One that was deleted while it was live is none to be ended, and what it has used is counted.
        """
        owner = RowOwner(run.tenant_id, run.user_id)
        tokens = await self._tokens(owner, run, ending)
        model = ending.fallbacks[-1].model if ending.fallbacks else run.model
        cost = self._rules.content.cost_of(model, tokens)
        if run.turn is None:
            end, ended_as = END_LONE_RUN, values.of_ending(run, ending, at, tokens, cost)
        else:
            end = END_RUN[run.continues is not None]
            ended_as = values.of_answer(run, ending, at, tokens, cost)
        if await self._database.run(owner, end, **ended_as) == 1:
            return True
        await self._database.run(
            owner, COUNT_DELETED, **values.of_deleted(run, ending, at, tokens, cost)
        )
        return False

    async def _tokens(self, owner: RowOwner, run: Run, ending: Ending) -> Tokens:
        if ending.cache is CacheState.HIT:
            return NO_TOKENS
        return tokens_of(
            ending.status,
            ending.usage,
            prompt_bytes=await self._prompt_bytes(owner, run, ending),
            answer_bytes=len(ending.text.encode()) + len(ending.reasoning.encode()),
            # A word that may not be said was its first, or it had none.
            spoke=ending.finish_reason is not None or ending.reason == FILTERED,
        )

    async def _prompt_bytes(self, owner: RowOwner, run: Run, ending: Ending) -> int:
        """What the model was shown, where nobody else counts it; of a run without a turn it is not known."""
        if ending.usage is not None or run.turn is None:
            return 0
        if run.context is not None and run.context.bytes is not None:
            return run.context.bytes
        row = await self._database.first(
            owner,
            SHOWN_BYTES,
            user_id=run.user_id,
            session_id=run.turn.session_id,
            question_order=run.turn.question_order,
            answer_order=run.turn.answer_order,
            **values.of_window(self._window),
        )
        return 0 if row is None else int(row.bytes)
