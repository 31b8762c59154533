"""Kept answers as runs come to them: none is looked for, or kept, of what its user has deleted."""

from dataclasses import dataclass

from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError, Kind
from chassis.telemetry.logging import get_logger
from chat_service.runs.domain.run import Run
from chat_service.runs.store.runs import Runs
from chat_service.streaming.cache.answers import AnswerCache, Kept, Place
from chat_service.streaming.store.answers_to_forget import is_to_be_forgotten

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """The cache, and what says for whom it may be asked."""

    cache: AnswerCache
    open_transaction: OpenTransaction

    @property
    def keeps(self) -> bool:
        """Whether any answer is kept here."""
        return self.cache.keeps

    async def find(self, run: Run, asked: bytes) -> Place | None:
        """Where the answer to what is `asked` is kept. None: nothing is kept, or it is not known whether it may be.

        A deletion that was committed before is heeded, also while its answers are yet to be forgotten. One that is
        committed later has the user's secret changed behind it, and with that this place is none any more.
        """
        if not self.keeps:
            return None
        try:
            if not await self._may_be_asked(run):
                return None
        except AppError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            _log.info("answer_cache.not_asked", run_id=str(run.id), reason=error.reason)
            return None
        return await self.cache.find(run.user_id, asked)

    async def keep(self, place: Place, answer: Kept) -> None:
        """As `AnswerCache.keep`."""
        await self.cache.keep(place, answer)

    async def _may_be_asked(self, run: Run) -> bool:
        async with self.open_transaction(run) as transaction:
            if await is_to_be_forgotten(transaction):
                return False
            return await Runs(transaction).find_in_sight(run.id) is not None
