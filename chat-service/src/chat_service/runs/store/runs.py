"""Runs in PostgreSQL, within a user's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from chassis.db.transactions import Transaction
from chassis.idempotency import RequestKey
from chat_service.conversations.domain.errors import SessionNotFound
from chat_service.conversations.domain.message import Role, Said
from chat_service.files.domain.attachment import Attachment
from chat_service.prompt.context import Context
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Admission, NewRun, RepeatedRequest
from chat_service.runs.domain.errors import RunInProgress, TooManyRuns
from chat_service.runs.domain.run import Run
from chat_service.runs.store import admission_statements, prompt_statements, statements, values
from chat_service.runs.store.rows import to_run
from chat_service.usage.domain.rules import NO_BOUNDS, Bounds
from chat_service.usage.domain.standing import check
from chat_service.usage.store.days import UsageDays


class Runs:
    """The runs of one user, in one transaction.

    Locks are taken in the order owner, session, run, message, by everyone.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._connection = transaction.connection
        self._user_id = transaction.owner.user_id

    async def find(self, run_id: UUID) -> Run | None:
        row = await statements.FIND_RUN.first(
            self._connection, run_id=run_id, user_id=self._user_id
        )
        return None if row is None else to_run(row)

    async def find_in_sight(self, run_id: UUID) -> Run | None:
        """As `find`, yet not a run whose session is deleted."""
        row = await statements.FIND_RUN_IN_SIGHT.first(
            self._connection, run_id=run_id, user_id=self._user_id
        )
        return None if row is None else to_run(row)

    async def find_live(self) -> list[Run]:
        """The user's live runs that belong to conversations, the newest first."""
        rows = await statements.LIVE_RUNS.all(self._connection, user_id=self._user_id)
        return [to_run(row) for row in rows]

    async def is_followed(self, run: Run) -> bool:
        """Whether a run has gone on with its answer, or a message follows that."""
        row = await statements.IS_FOLLOWED.first(
            self._connection,
            session_id=run.session_id,
            user_id=self._user_id,
            run_id=run.id,
            answer_order=run.answer_order,
        )
        return row is None or bool(row.followed)

    async def find_context(self, run_id: UUID) -> Context | None:
        """What its model was given; None: that was not kept."""
        row = await statements.CONTEXT_OF.first(
            self._connection, run_id=run_id, user_id=self._user_id
        )
        return None if row is None or row.context is None else Context.of(row.context)

    async def wants_title(self, session_id: UUID) -> bool:
        """Whether a model is to name the session, if its next answer is the first whole one."""
        row = await statements.WANTS_TITLE.first(
            self._connection, session_id=session_id, user_id=self._user_id
        )
        return row is not None and row.wants_title

    async def writes(self, answer_id: UUID) -> bool:
        """Whether a live run of a session in sight writes this answer, or goes on with it."""
        row = await statements.IS_BEING_WRITTEN.first(
            self._connection, user_id=self._user_id, answer_id=answer_id
        )
        return row is not None and row.live

    async def find_newest(self, session_id: UUID) -> Run | None:
        """The session's live run, or the last one to have been live."""
        row = await statements.NEWEST_RUN.first(
            self._connection, session_id=session_id, user_id=self._user_id
        )
        return None if row is None else to_run(row)

    async def find_of(self, request: RequestKey) -> Run | None:
        """The run that the same request began before.

        Raises IdempotencyKeyReused, and SessionNotFound if its conversation was deleted since: nobody
        may follow it.
        """
        row = await statements.RUN_OF_KEY.first(
            self._connection, user_id=self._user_id, idempotency_key=request.key
        )
        if row is None:
            return None
        request.check(row.request_hash)
        if not row.in_sight:
            raise SessionNotFound()
        return to_run(row)

    async def request_cancel(self, run_id: UUID) -> bool:
        """Asks a run's owner to end it, if it is live; False: there is no such run in sight."""
        asked = await statements.REQUEST_CANCEL.run(
            self._connection, run_id=run_id, user_id=self._user_id
        )
        return asked == 1

    async def read_window(
        self, session_id: UUID, before: int, window: ContextWindow
    ) -> tuple[tuple[PromptMessage, ...], dict[int, tuple[Attachment, ...]]]:
        """The messages of the chosen path before `before` that fit the window, oldest first, and what is
        attached to them, by their order.
        """
        rows = await prompt_statements.READ_WINDOW_BEFORE.all(
            self._connection,
            session_id=session_id,
            user_id=self._user_id,
            before=before,
            **values.of_window(window),
        )
        return values.earlier_in(rows), values.attached_in(rows)

    async def read_said(
        self, session_id: UUID, *, after: int, before: int, most: int, characters: int
    ) -> list[Said]:
        """The first messages of the chosen path between these two that may be shown to a model.

        So many at most, and so many characters of each.
        """
        rows = await prompt_statements.READ_SAID.all(
            self._connection,
            session_id=session_id,
            user_id=self._user_id,
            after=after,
            before=before,
            most=most,
            characters=characters,
        )
        return [Said(Role(row.role), row.content, row.order) for row in rows]

    async def admit(self, new: NewRun, window: ContextWindow, runs_per_user: int) -> Admission:
        """Stores a question and its run, live from here on, behind the session's chosen path.

        The session's row is locked, and its leaf is known.

        The user's live runs are counted as they were when this began: of several admissions at
        the same moment none sees the others, so there may be as many more as these.

        What they have used of what may be used is what runs had used that have ended by then.

        Raises SessionNotFound, RunInProgress with the id of the live run, TooManyRuns,
        AllowanceUsedUp, UsageLimitReached, RepeatedRequest, IdempotencyKeyReused.
        """
        parameters = values.of_new(new, runs_per_user)
        if new.question.session_id is None:
            row = await admission_statements.ADMIT_TO_NEW_SESSION[new.bounds.are_any].first(
                self._connection, **parameters, **values.of_new_session(new)
            )
            if row is None:
                await self._refuse_new(new)
            return values.admission(new, [row])
        rows = await admission_statements.ADMIT_TO_SESSION[new.bounds.are_any].all(
            self._connection, **parameters, **values.of_window(window)
        )
        return await self._admission(new, rows)

    async def admit_regeneration(
        self, new: NewRun, question_order: int, window: ContextWindow, runs_per_user: int
    ) -> Admission:
        """Stores a run that answers a question once more, live from here on.

        The session is locked, and the question is the chosen path's end. Raises as `admit` does.
        """
        parameters = values.of_new(new, runs_per_user)
        rows = await admission_statements.ADMIT_REGENERATION[new.bounds.are_any].all(
            self._connection, **parameters, **values.of_window(window), before=question_order
        )
        return await self._admission(new, rows)

    async def _admission(self, new: NewRun, rows: Sequence[Any]) -> Admission:
        if not rows:
            raise SessionNotFound()
        if rows[0].id is None:
            await self._refuse_new(new)
        return values.admission(new, rows)

    async def admit_continuation(
        self,
        run: Run,
        request: RequestKey | None,
        runs_per_user: int,
        bounds: Bounds = NO_BOUNDS,
    ) -> None:
        """Stores a run that goes on with another, live from here on; the session is locked.

        Raises RunInProgress, TooManyRuns, AllowanceUsedUp and UsageLimitReached as above,
        RepeatedRequest, IdempotencyKeyReused.
        """
        parameters = values.of_continuation(run, request, runs_per_user, bounds)
        admit = admission_statements.ADMIT_CONTINUATION[bounds.are_any]
        if not await admit.run(self._connection, **parameters):
            await self._refuse(run.session_id, request, bounds, run.key_id, run.created_at)

    async def _refuse_new(self, new: NewRun) -> NoReturn:
        await self._refuse(
            new.session_id, new.question.request, new.bounds, new.key_id, new.created_at
        )

    async def _refuse(
        self,
        session_id: UUID,
        request: RequestKey | None,
        bounds: Bounds,
        key_id: UUID | None,
        at: datetime,
    ) -> NoReturn:
        """Raises what kept a run from being stored: its own request comes first."""
        if request is not None and (run := await self.find_of(request)):
            raise RepeatedRequest(run)
        live = await statements.LIVE_RUN.first(
            self._connection, session_id=session_id, user_id=self._user_id
        )
        if live is not None:
            raise RunInProgress(live.id)
        if bounds.are_any:
            check(bounds, await UsageDays(self._transaction).used(bounds, key_id, at), at)
        raise TooManyRuns()
