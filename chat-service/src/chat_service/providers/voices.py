"""Who speaks in a delta: some servers tell thinking from text by a role, or by the channel that it is on."""

from collections.abc import Iterable
from typing import Any, Final

from chat_service.providers.port import THINKING, Kind, Part

# Not sets: what a server has there may be anything.
_ROLES: Final = ("reasoning", "thinking", "thought", "analysis", "reasoner")
# Where a delta says of itself alone what it is.
_MARKS: Final = ("type", "phase", "content_type")
_MARKED: Final = (*_ROLES, "think", "reasoning_content")
_FLAGS: Final = ("thought", "is_thinking", "is_reasoning")
# Of gpt-oss, whose other ones are for people.
_CHANNELS: Final = ("analysis", "thinking", "reasoning")


class Voices:
    """Whose words the deltas of one answer are, of which the first one alone may say it."""

    def __init__(self) -> None:
        #: Whether what comes is thinking until somebody else speaks.
        self.are_heard = False
        self._by_channel = False

    def tell(self, said: Any, parts: Iterable[Part]) -> list[Part]:
        """The ``parts`` of a delta or a message, as what they are."""
        if isinstance(said, dict):
            self._hear(said)
        is_thought = self.are_heard or (isinstance(said, dict) and _is_marked(said))
        kind: Kind | None = THINKING if is_thought else None
        return [(kind or of, text) for of, text in parts]

    def _hear(self, said: dict[str, Any]) -> None:
        channel, role = said.get("channel"), said.get("role")
        if channel and isinstance(channel, str):
            self._by_channel = True
            self.are_heard = channel.lower() in _CHANNELS
        elif role and isinstance(role, str) and not self._by_channel:
            self.are_heard = role.lower() in _ROLES


def _is_marked(said: dict[str, Any]) -> bool:
    """Whether a delta says of itself that it is thinking, and may be the only one that does."""
    if any(said.get(name) is True for name in _FLAGS):
        return True
    extra = said.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    if isinstance(google, dict) and google.get("thought") is True:
        return True
    return any(
        isinstance(mark := said.get(name), str) and mark.lower() in _MARKED for name in _MARKS
    )
