"""What other choices than the first one say: of one choice alone an answer is made.

Some servers number from one, or by something of their own; then there is no first one.
"""

from typing import Any, Final

from chat_service.providers.port import Part
from chat_service.providers.shapes import parts_of, reason_in

_MOST_CHARACTERS: Final = 1024 * 1024


class SecondChoices:
    """Keeps what the one of them says that came first, a megabyte of characters at most."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.reason: str | None = None
        self._index: str | None = None
        self._characters = 0

    def take(self, choice: dict[str, Any]) -> None:
        """One chunk's choice, which has an index."""
        if self._index is None:
            self._index = str(choice["index"])
        if str(choice["index"]) != self._index or self._characters > _MOST_CHARACTERS:
            return
        said = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        for part in parts_of(said):
            self.parts.append(part)
            self._characters += len(part[1])
        self.reason = reason_in({}, choice) or self.reason
