"""What is done behind a run, once its end is saved."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chassis.telemetry.logging import get_logger
from chat_service.answer.domain.ending import Ending
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.run import Run

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that this replica has generated and whose end is saved.

    `connection` is the one that answered, or failed last, and `run` says its model; `prompt` is what it was given. `most_tokens` is what its server takes in all, where it said
    so when it refused the prompt as too long.
    """

    run: Run
    connection: Connection
    prompt: Sequence[PromptMessage]
    ending: Ending
    most_tokens: int | None = None


#: Hears of each such run, in its task. It returns at once: what takes time is begun as an aside.
Behind = Callable[[Ended], None]


def nothing(_: Ended) -> None:
    """Nothing is done behind it."""


def all_of(*those: Behind) -> Behind:
    """Tells each of them; one that breaks is logged, and the others hear of it nevertheless."""

    def tell(ended: Ended) -> None:
        for one in those:
            try:
                one(ended)
            except Exception as error:  # noqa: BLE001 - the run has ended well, whatever this is
                _log.error("run.behind_broke", run_id=str(ended.run.id), exc_info=error)

    return tell
