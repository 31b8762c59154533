"""The operator's prices and limits in force, taken anew when their file changes."""

from pathlib import Path

from chat_service.usage.domain.rules import Rules
from chat_service.usage.operators.usage_file import read_rules
from servicekit.operator_file import FileMetrics, OperatorFile

_METRICS = FileMetrics("chat_usage_file", "the operator's prices and limits")


class UsageRulesInForce(OperatorFile[Rules]):
    """Those of the file at `path`, as a whole; none without a path. Raises BadFile."""

    def __init__(self, path: Path | None) -> None:
        super().__init__("usage", path, read_rules, empty=Rules(), metrics=_METRICS)
