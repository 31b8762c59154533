"""What ownership of runs needs of the database: beats, and the hand-over of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chat_service.domain.run import Run


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that has not ended, and its owner's beat; None: the owner is not on the register."""

    run: Run
    beat: int | None


class Replicas(Protocol):
    """The register of replicas, kept by a background role: all runs are in sight."""

    async def beat(self, replica: str) -> None:
        """Count this replica's beat up by one."""

    async def leave(self, replica: str) -> None:
        """Take this replica off the register."""

    async def sweep(self) -> None:
        """Take off the register who has not beaten for a day."""

    async def list_live_runs(self) -> Sequence[LiveRun]:
        """Every run that has not ended."""

    async def take_over(self, run: Run, replica: str) -> Run | None:
        """Make `replica` the owner under the next epoch.

        None: the run has ended, or somebody else was quicker.
        """
