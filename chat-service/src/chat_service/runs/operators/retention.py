"""How long conversations are kept by the operator's file, taken anew when it changes."""

from pathlib import Path

from chat_service.runs.domain.retention import Retention
from chat_service.runs.operators.retention_file import read_retention
from servicekit.operator_file import FileMetrics, OperatorFile

_METRICS = FileMetrics("chat_retention_file", "how long conversations are kept by")


class RetentionInForce(OperatorFile[Retention]):
    """What the file at `path` says, as a whole; of what it does not say, and without a path, what is `usual`
    holds. Raises BadFile.
    """

    def __init__(self, path: Path | None, usual: Retention) -> None:
        super().__init__(
            "retention",
            path,
            lambda reading, at: read_retention(reading, at, usual),
            empty=usual,
            metrics=_METRICS,
        )

    def __call__(self) -> Retention:
        """How long at this moment."""
        return self.content
