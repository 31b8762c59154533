"""The operator's terms for files in force, taken anew when their file changes."""

from pathlib import Path

from chat_service.files.domain.terms import Folder, Terms
from chat_service.files.operators.terms_file import read_terms
from servicekit.operator_file import FileMetrics, OperatorFile

_METRICS = FileMetrics("chat_files_file", "the operator's terms for files")


class FileTerms(OperatorFile[Terms]):
    """Those of the file at `path`, as a whole, in which `folder` is where bytes are kept unless it says
    otherwise; the usual terms without a path. Raises BadFile.
    """

    def __init__(self, path: Path | None, folder: Path | None) -> None:
        place = None if folder is None else Folder(folder.absolute())
        super().__init__(
            "files",
            path,
            lambda reading, at: read_terms(reading, at, place),
            empty=Terms(place),
            metrics=_METRICS,
        )
