"""Asking, and asking once more without what was refused, before the first byte of an answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from chat_service.answer.domain.ending import Adapted
from chat_service.providers.asking.endpoint import Endpoint
from chat_service.providers.asking.learnt import Memory, Place
from chat_service.providers.asking.refused import Adaptation, adaptation
from chat_service.providers.domain.learnt import Lesson, Told
from chat_service.providers.errors import ProviderError
from chat_service.providers.source import Source
from chat_service.providers.transport import GuardedClient

#: So many times one question is asked otherwise.
MOST_ADAPTATIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's body, which of the parameters asked for are not in it as they were, and whether its
    messages are `in_turns`.
    """

    body: dict[str, Any]
    adapted: tuple[Adapted, ...] = ()
    in_turns: bool = False


def _as_it_is(_: Mapping[str, Any], found: Adaptation) -> Adaptation:
    return found


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one server.

    ``make`` makes the request with what was learnt. ``hidden`` names what a refusal may name and
    the body has not at its top; ``needed`` what cannot be left out. ``understand`` says what a refusal means
    for this protocol.
    """

    endpoint: Endpoint
    path: str
    headers: Mapping[str, str]
    make: Callable[[Sequence[Lesson]], Asked]
    needed: Collection[str] = ()
    hidden: Collection[str] = ()
    understand: Callable[[Mapping[str, Any], Adaptation], Adaptation] = _as_it_is
    has_pictures: bool = False

    async def made(self, learnt: Sequence[Lesson]) -> tuple[Asked, bytes]:
        """The request, and its body as it is sent."""

        def make() -> tuple[Asked, bytes]:
            asked = self.make(learnt)
            return asked, orjson.dumps(asked.body)

        # With pictures it takes long, during which others are answered.
        return await asyncio.to_thread(make) if self.has_pictures else make()


class Attempts:
    """Asks, and remembers what helped."""

    def __init__(self) -> None:
        self._memory = Memory()

    @asynccontextmanager
    async def ask(
        self,
        client: GuardedClient,
        question: Question,
        place: Place,
        known: Iterable[Lesson],
        told: Told,
    ) -> AsyncIterator[Source]:
        """The body of a successful answer, to be read within the block.

        What the server at ``place`` refused before, by ``known`` or by this process's memory, is not
        sent again. What a refusal names is changed, at most MOST_ADAPTATIONS times, and remembered if the
        server then answers. ``told`` is filled in before the block, and how the messages were sent before each try. Raises ProviderError: the refusal, where
        nothing can be done about it.
        """
        learnt = _together(known, self._memory.of(place))
        added: list[Adaptation] = []
        async with AsyncExitStack() as stack:
            source: Source | None = None
            while source is None:
                asked, body = await question.made([*learnt, *(one.learnt for one in added)])
                told.in_turns = asked.in_turns
                answer = client.post(
                    question.endpoint.server,
                    question.endpoint.target(question.path),
                    headers=question.headers,
                    body=body,
                )
                try:
                    source = await stack.enter_async_context(answer)
                except ProviderError as refusal:
                    found = _otherwise(question, asked, refusal)
                    if found is None or found in added or len(added) == MOST_ADAPTATIONS:
                        raise
                    added.append(found)
                else:
                    told.adapted = asked.adapted
                    # With pictures it is large, and the answer takes long.
                    del asked, body, answer
            told.learnt = [one.learnt for one in added if one.lasting]
            if told.learnt:
                self._memory.add(place, told.learnt)
            yield source


def _otherwise(question: Question, asked: Asked, refusal: ProviderError) -> Adaptation | None:
    if refusal.refused is None:
        return None
    status, body = refusal.refused
    sent = {**dict.fromkeys(question.hidden, True), **asked.body}
    found = adaptation(sent, status, body, needed=question.needed)
    return None if found is None else question.understand(asked.body, found)


def _together(known: Iterable[Lesson], remembered: Iterable[Lesson]) -> list[Lesson]:
    found = {one.parameter: one for one in known}
    found.update((one.parameter, one) for one in remembered)
    return list(found.values())
