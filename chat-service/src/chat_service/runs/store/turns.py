"""The beginning and the end of a turn, each a transaction by itself: one round trip."""

from datetime import datetime
from uuid import UUID

from chassis.clock import utc_now
from chassis.db.engine import Database, Scope
from chat_service.answer.domain.ending import Ending
from chat_service.prompt.domain import SHIPPED, ContextWindow
from chat_service.runs.domain.admission import Admission, NewRun
from chat_service.runs.domain.run import Run
from chat_service.runs.store import ending_statements, statements, values


class Turns:
    """Turns on a database, which is connected as the app role.

    By `window` it is estimated how much a model was shown whose server does not count.
    """

    def __init__(self, database: Database, window: ContextWindow = SHIPPED) -> None:
        self._database = database
        self._window = window

    async def admit(
        self, new: NewRun, window: ContextWindow, runs_per_user: int, guessed_key_id: UUID | None
    ) -> Admission | None:
        """As `Runs.admit`, for a run of a session that is there.

        None: nothing was stored, and only a transaction can say why. Perhaps something is in the
        way, or the run has no key of its own and the session is not set to `guessed_key_id`.
        """
        rows = await self._database.all(
            Scope(new.tenant_id, new.user_id),
            statements.ADMIT_AT_ONCE[new.is_limited],
            **values.of_new(new, runs_per_user),
            **values.of_window(window),
            own_key=new.question.key_id is not None,
            guessed_key_id=guessed_key_id,
        )
        if not rows or rows[0].id is None:
            return None
        return values.admission(new, rows[0], values.earlier_in(rows))

    async def tokens_used(self, run: Run, key_id: UUID) -> int:
        """What the run's user has used of a connection today, in UTC."""
        row = await self._database.first(
            Scope(run.tenant_id, run.user_id),
            statements.TOKENS_USED,
            user_id=run.user_id,
            connection_id=key_id,
            day=values.utc_day(utc_now()),
        )
        return 0 if row is None else int(row.tokens)

    async def note_fallback(self, run: Run) -> None:
        """Has the row of a live run say what `run` does of the connection that goes on with it.

        Of a run that has ended, or has another owner, nothing is changed. Raises what the database raises.
        """
        await self._database.run(
            Scope(run.tenant_id, run.user_id),
            statements.NOTE_FALLBACK,
            **values.of_fallback(run),
        )

    async def end(self, run: Run, ending: Ending, at: datetime) -> bool:
        """Ends a live run that still has this epoch, and stores its answer; False: neither.

        The answer of a run that continues another takes the place of the earlier one, which it
        begins with; if it does not, it is put behind it. Of a run without a turn only the end is
        kept.
        """
        scope = Scope(run.tenant_id, run.user_id)
        metered = run.metered or any(one.metered for one in ending.fallbacks)
        if run.turn is None:
            end, ended_as = ending_statements.END_LONE_RUN, values.of_ending(run, ending, at)
        else:
            end = ending_statements.END_RUN
            ended_as = values.of_answer(run, ending, at, self._window)
        return await self._database.run(scope, end[metered], **ended_as) == 1
