"""Thinking that a server leaves in the text: ``<think>…</think>`` at its start."""

from chat_service.providers.port import TEXT, THINKING, Part

_OPEN = "<think>"
_CLOSE = "</think>"
# White space before thinking; of an answer that begins with more, it is part of the text.
_MOST_SPACE = 1024


class ThinkTags:
    """Tells thinking from text, in one answer's text as it comes, wherever it was cut.

    Only what the text begins with is thinking, white space before it apart; without its end all that
    comes is. Line breaks behind it belong to neither.
    """

    def __init__(self) -> None:
        #: Whether all that is still to come is text.
        self.is_past = False
        self._waiting = ""
        self._inside = False
        self._behind = False

    def split(self, text: str) -> list[Part]:
        """What can be told of all that has come, in order."""
        parts: list[Part] = []
        text = self._waiting + text
        self._waiting = ""
        if not self._inside and not self._behind:
            text = self._at_start(text)
        if self._inside:
            text = self._within(text, parts)
        if self._behind:
            text = text.lstrip("\r\n")
            self.is_past = bool(text)
        if text and self.is_past:
            parts.append((TEXT, text))
        return parts

    def end(self) -> list[Part]:
        """What could not be told until now."""
        waiting, self._waiting = self._waiting, ""
        return [(THINKING if self._inside else TEXT, waiting)] if waiting else []

    def _at_start(self, text: str) -> str:
        begun = text.lstrip()
        if begun.startswith(_OPEN):
            self._inside = True
            return begun[len(_OPEN) :]
        if len(text) < _MOST_SPACE and _OPEN.startswith(
            begun
        ):  # also where nothing but white space has come
            self._waiting = text
            return ""
        self.is_past = True
        return text

    def _within(self, text: str, parts: list[Part]) -> str:
        thought, close, text = text.partition(_CLOSE)
        if close:
            self._inside = False
            self._behind = True
        else:
            kept = next(
                (n for n in range(len(_CLOSE) - 1, 0, -1) if thought.endswith(_CLOSE[:n])), 0
            )
            thought, self._waiting = thought[: len(thought) - kept], thought[len(thought) - kept :]
        if thought:
            parts.append((THINKING, thought))
        return text
