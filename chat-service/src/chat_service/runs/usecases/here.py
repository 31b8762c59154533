"""The runs that this replica generates, or has just generated."""

from dataclasses import dataclass
from typing import Protocol

from chat_service.runs.domain.run import Run
from chat_service.runs.usecases.cancel import CancelHere
from chat_service.runs.usecases.in_memory import InMemory
from chat_service.runs.usecases.recover import Recall


class Subscribe(Protocol):
    """Puts a run on a gateway's frame channel, and returns the channel's id; None: it is on none."""

    def __call__(self, run: Run, gateway_id: str, subscription: int) -> str | None: ...


@dataclass(frozen=True, slots=True)
class RunsHere:
    """What is known of them and done with them without the database."""

    in_memory: InMemory
    cancel: CancelHere
    recall: Recall
    subscribe: Subscribe
