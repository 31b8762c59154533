"""Thinking that a server leaves in the text, between marks at its start: ``<think>…</think>`` and others."""

from typing import Final

from chat_service.providers.port import TEXT, THINKING, Part

# What models put around their thinking, in lower case, where their server does not take it apart.
_MARKS: Final = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # Gemini's
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("[think]", "[/think]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),  # Cohere's
    # gpt-oss
    (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
)
_OPEN: Final = tuple(mark for mark, _ in _MARKS)
# An end without its beginning, which stands in a field of its own or in the prompt.
_STRAY: Final = "</think>"
_BEGINNINGS: Final = (*_OPEN, _STRAY)
_MOST_MARK: Final = max(map(len, _BEGINNINGS))
# White space before thinking; of an answer that begins with more, it is part of the text.
_MOST_SPACE: Final = 1024


class ThinkTags:
    """Tells thinking from text, in one answer's text as it comes, wherever it was cut.

    Only what the text begins with is thinking, once or several times, white space before it apart; without
    its end all that comes is. Line breaks behind it belong to neither.
    """

    def __init__(self) -> None:
        #: Whether all that is still to come is text.
        self.is_past = False
        self._waiting = ""
        # What ends the thinking that the text is in; empty: it is in none.
        self._close = ""
        self._behind = False

    def split(self, text: str) -> list[Part]:
        """What can be told of all that has come, in order."""
        parts: list[Part] = []
        text = self._waiting + text
        self._waiting = ""
        while text and not self.is_past:
            text = self._within(text, parts) if self._close else self._at_start(text)
        if text:
            parts.append((TEXT, text))
        return parts

    def end(self) -> list[Part]:
        """What could not be told until now."""
        waiting, self._waiting = self._waiting, ""
        return [(THINKING if self._close else TEXT, waiting)] if waiting else []

    def _at_start(self, text: str) -> str:
        if self._behind:
            text = text.lstrip("\r\n")
        begun = text.lstrip()
        lower = begun[:_MOST_MARK].lower()
        for mark, close in _MARKS:
            if lower.startswith(mark):
                self._close = close
                return begun[len(mark) :]
        if lower.startswith(_STRAY):
            self._behind = True
            return begun[len(_STRAY) :]
        if len(text) < _MOST_SPACE and any(one.startswith(lower) for one in _BEGINNINGS):
            # Also where nothing but white space has come.
            self._waiting = text
            return ""
        self.is_past = True
        return text

    def _within(self, text: str, parts: list[Part]) -> str:
        close = self._close
        lower = text.lower() if len(text.lower()) == len(text) else text
        at = lower.find(close)
        if at >= 0:
            thought, text = text[:at], text[at + len(close) :]
            self._close = ""
            self._behind = True
        else:
            kept = next(
                (n for n in range(len(close) - 1, 0, -1) if lower.endswith(close[:n])),
                0,
            )
            thought, self._waiting = text[: len(text) - kept], text[len(text) - kept :]
            text = ""
        if thought:
            parts.append((THINKING, thought))
        return text
