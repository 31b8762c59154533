"""A generator that takes runs, and generates nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat_service.notices.domain.notice import Notice
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Prepare
from chat_service.runs.domain.run import Run
from servicekit.generation_parameters import GenerationParameters


@dataclass(frozen=True)
class Begun:
    """A generation as it was begun."""

    run: Run
    connection: Connection
    prompt: list[tuple[str, str]]
    prefix: str
    # What makes it, of one for which files have to be read.
    prepare: Prepare | None = None


class Generations:
    """Takes runs and generates nothing: the port, with a note of what it took."""

    def __init__(self) -> None:
        self.draining = False
        self.begun: list[Begun] = []
        # What was told of what began.
        self.told: list[Notice] = []

    def begin(
        self,
        run: Run,
        connection: Connection,
        prompt: Sequence[PromptMessage] | Prepare,
        prefix: str = "",
        wishes: GenerationParameters | None = None,
    ) -> None:
        if callable(prompt):
            self.begun.append(Begun(run, connection, [], prefix, prompt))
            return
        said = [(message.role, message.content) for message in prompt]
        self.begun.append(Begun(run, connection, said, prefix))
