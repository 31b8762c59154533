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

    def begin(
        self,
        client: GuardedClient,
        question: Question,
        place: Place,
        known: Iterable[Lesson],
        told: Told,
    ) -> "Asking":
        """One question to the server at ``place``, of which by ``known`` or by this process's memory something
        was learnt before. ``told`` is filled in as the question is asked.
        """
        learnt = _together(known, self._memory.of(place))
        return Asking(client, question, learnt, told, lambda added: self._memory.add(place, added))


class Asking:
    """One question, asked until it is answered, MOST_ADAPTATIONS times otherwise than at first."""

    def __init__(
        self,
        client: GuardedClient,
        question: Question,
        learnt: Sequence[Lesson],
        told: Told,
        remember: Callable[[Sequence[Lesson]], None],
    ) -> None:
        self._client = client
        self._question = question
        self._learnt = learnt
        self._told = told
        self._remember = remember
        self._added: list[Adaptation] = []
        self._asked = Asked({})

    @asynccontextmanager
    async def ask(self) -> AsyncIterator[Source]:
        """The body of a successful answer, to be read within the block.

        What was learnt is not sent again; what a refusal names is changed. Raises ProviderError: the refusal,
        where nothing can be done about it.
        """
        async with AsyncExitStack() as stack:
            source: Source | None = None
            while source is None:
                source = await self._post(stack)
            yield source

    def adapts_to(self, refusal: ProviderError) -> bool:
        """Whether something can be asked otherwise after ``refusal``, which came before any of an answer; then
        the next :meth:`ask` does.
        """
        found = _otherwise(self._question, self._asked, refusal)
        if found is None or found in self._added or len(self._added) == MOST_ADAPTATIONS:
            return False
        self._added.append(found)
        return True

    def answered(self) -> None:
        """Something of an answer has come: what helped is remembered."""
        lasting = [one.learnt for one in self._added if one.lasting]
        self._told.adapted = self._asked.adapted
        self._told.learnt = lasting
        if lasting:
            self._remember(lasting)
        # With pictures it is large, and the answer takes long.
        self._asked = Asked({})

    async def _post(self, stack: AsyncExitStack) -> Source | None:
        """Ask; None where it is to be asked otherwise."""
        question = self._question
        asked, body = await question.made([*self._learnt, *(one.learnt for one in self._added)])
        self._told.in_turns = asked.in_turns
        self._asked = asked
        answer = self._client.post(
            question.endpoint.server,
            question.endpoint.target(question.path),
            headers=question.headers,
            body=body,
        )
        try:
            return await stack.enter_async_context(answer)
        except ProviderError as refusal:
            if self.adapts_to(refusal):
                return None
            raise
        finally:
            del asked, body, answer


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
