"""An answer from the cache in place of a model's, and a model's answer into the cache."""

from collections.abc import Sequence
from dataclasses import asdict

from chat_service.answer.domain.ending import CacheState, Ending, RunStatus, Usage
from chat_service.answer.domain.frame import ADAPTED, CACHE
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.streaming.cache.answers import Kept, Place
from chat_service.streaming.cache.asked import asked_of
from chat_service.streaming.cache.kept_answers import KeptAnswers
from chat_service.streaming.log.live import LiveRun

#: What an answer costs that no model was asked for.
NOTHING = Usage(prompt_tokens=0, completion_tokens=0)


class FromCache:
    """Of one run: what is looked for before its model is asked, and what is kept behind it."""

    def __init__(self, cache: KeptAnswers | None, live: LiveRun) -> None:
        self._cache = cache
        self._live = live
        self._place: Place | None = None
        self._prompt: Sequence[PromptMessage] = ()

    @property
    def hit(self) -> bool:
        """Whether the answer is one that was kept."""
        return self._place is not None and self._place.found is not None

    async def look(self, connection: Connection, prompt: Sequence[PromptMessage]) -> bool:
        """Put the answer that is kept of this question into the run, if that is wanted and there is one."""
        run, cache = self._live.run, self._cache
        if run.cache is CacheState.OFF or cache is None or not cache.keeps:
            return False
        self._prompt = prompt
        self._place = await cache.find(run, asked_of(run, connection, prompt))
        state = CacheState.HIT if self.hit else CacheState.MISS
        self._live.add_event(CACHE, {"state": state.value})
        if self._place is None or (kept := self._place.found) is None:
            return False
        if kept.adapted:
            self._live.add_event(ADAPTED, {"adapted": [asdict(one) for one in kept.adapted]})
        if kept.reasoning:
            self._live.add_reasoning(kept.reasoning)
        self._live.add_text(kept.text)
        return True

    async def keep(self, ending: Ending, prompt: Sequence[PromptMessage]) -> None:
        """Keep an answer that is whole, of the connection that was asked first and of all that it was asked."""
        if self._cache is None or self._place is None or self.hit:
            return
        is_whole = ending.status is RunStatus.COMPLETED and ending.finish_reason == "stop"
        if is_whole and not ending.fallbacks and prompt is self._prompt:
            await self._cache.keep(self._place, Kept(ending.text, ending.reasoning, ending.adapted))
