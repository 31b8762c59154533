"""The operator's words in force, taken anew when their file changes."""

from pathlib import Path

from chat_service.words.domain.word_filter import WordFilter
from chat_service.words.operators.words_file import read_words
from servicekit.operator_file import FileMetrics, OperatorFile

_METRICS = FileMetrics("chat_words_file", "the operator's words")


class WordsInForce(OperatorFile[WordFilter | None]):
    """Those of the file at `path`, as a whole; None without a path. Raises BadFile."""

    def __init__(self, path: Path | None) -> None:
        super().__init__("words", path, read_words, empty=None, metrics=_METRICS)

    def __call__(self) -> WordFilter | None:
        """The filter at this moment."""
        return self.content
