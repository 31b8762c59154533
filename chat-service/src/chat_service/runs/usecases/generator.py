"""The port to what generates answers."""

from collections.abc import Sequence
from typing import Protocol

from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import Prepare
from chat_service.runs.domain.run import Run
from servicekit.generation_parameters import GenerationParameters


class Generator(Protocol):
    """What turns accepted runs into answers."""

    @property
    def draining(self) -> bool:
        """Whether no new run may begin here, since the service stops."""

    def begin(
        self,
        run: Run,
        connection: Connection,
        prompt: Sequence[PromptMessage] | Prepare,
        prefix: str = "",
        wishes: GenerationParameters | None = None,
    ) -> None:
        """Begins to generate; the run then ends, and its answer is saved, without the caller.

        A prompt that is to be made first is made in its time; what that raises the run fails with.
        `prefix` is what there is of the answer already. `wishes` are the question's and its session's parameters,
        for a connection that goes on where `connection` fails; None: the run's. Must take also a run that was being
        accepted when draining began.
        """
