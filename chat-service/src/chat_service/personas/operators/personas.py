"""The operator's personas in force, taken anew when their file changes."""

from pathlib import Path

from chat_service.personas.domain.persona import Persona
from chat_service.personas.operators.personas_file import read_personas
from servicekit.operator_file import FileMetrics, OperatorFile

_METRICS = FileMetrics("chat_personas_file", "the operator's personas")


class PersonasInForce(OperatorFile[tuple[Persona, ...]]):
    """Those of the file at `path`, as a whole; none without a path. Raises BadFile."""

    def __init__(self, path: Path | None) -> None:
        super().__init__("personas", path, read_personas, empty=(), metrics=_METRICS)
