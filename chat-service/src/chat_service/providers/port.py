"""What every kind of model server is to those who ask: one port, and pieces of an answer."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, Protocol

from chassis.service import Component
from chat_service.answer.domain.ending import Usage
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.learnt import Told
from chat_service.providers.domain.prompt_message import PromptMessage
from servicekit.generation_parameters import GenerationParameters

TEXT: Final = "text"
THINKING: Final = "thinking"

Kind = Literal["text", "thinking"]
#: A stretch of an answer, of one kind; never empty. Further kinds are for others than text.
Part = tuple[Kind, str]


class End(Enum):
    """How a stream ended that did not end with an error."""

    #: The server said so: by a finish reason, by the protocol's own end, or by a whole document.
    WHOLE = "whole"
    #: It just stopped.
    EARLY = "early"


@dataclass(slots=True)
class Piece:
    """What one read of the provider's socket brought: ``size`` bytes of whatever there is.

    ``parts`` are in the order in which they came. ``finish_reason`` is the provider's own word, of any
    length. ``end`` is that of the last piece, and of no other.
    """

    size: int = 0
    parts: Sequence[Part] = ()
    finish_reason: str | None = None
    usage: Usage | None = None
    end: End | None = None

    @property
    def characters(self) -> int:
        return sum([len(said) for _, said in self.parts])

    @property
    def text(self) -> str:
        """What is text of it."""
        return "".join([said for kind, said in self.parts if kind == TEXT])

    @property
    def thinking(self) -> str:
        """What is thinking of it."""
        return "".join([said for kind, said in self.parts if kind == THINKING])


#: Takes a piece and returns True, or takes nothing of it and returns False.
Take = Callable[[Piece], bool]


class NextRead(Protocol):
    """Says when a slow model's socket is to be read."""

    async def __call__(self, release: Callable[[], None], collect: Callable[[], bool], /) -> None:
        """Call ``release`` and, once the loop has read what is there, ``collect``; again for as
        long as that returns True. Or return at once: then there is no waiting.
        """


async def read_at_once(*_: object) -> None:
    """The NextRead of who has nobody to share a flush with; others take their turns between two reads."""
    await asyncio.sleep(0)


class Provider(Component, ABC):
    """Asks model servers."""

    @abstractmethod
    def stream(
        self,
        connection: Connection,
        prompt: Sequence[PromptMessage],
        *,
        model: str,
        parameters: GenerationParameters,
        next_read: NextRead,
        take: Take | None = None,
        told: Told | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece; no timers but those of a connection's beginning and end.

        The first text comes as soon as it is there; from then on the socket is read when
        ``next_read`` says so, and what came meanwhile is one piece. Most of those go to ``take``,
        if there is one, and only what that leaves is yielded.

        A server that refuses a parameter by name is asked once more without it; ``told`` says so, before
        the first piece that says something.

        The last piece has an ``end``. Raises ProviderError instead; what came before it has been
        yielded or taken then. Close the iterator to close the provider's connection.
        """
