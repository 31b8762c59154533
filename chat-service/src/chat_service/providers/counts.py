"""What one answer has cost in tokens, of all that a server says of it."""

from collections.abc import Sequence
from typing import Any

from chat_service.providers.port import Piece
from chat_service.providers.shapes import usage_of


class Counts:
    """Counts are of all until now, so that the last ones count; noughts are no news."""

    def __init__(self) -> None:
        self._counted = False

    def take(self, usages: Sequence[Any], piece: Piece) -> None:
        """Put into ``piece`` what the last of ``usages`` says that says anything."""
        for usage in reversed(usages):
            counts = usage_of(usage)
            if counts is not None and (counts.prompt_tokens or counts.completion_tokens):
                piece.usage = counts
                self._counted = True
                return
            if not self._counted and piece.usage is None:
                piece.usage = counts
