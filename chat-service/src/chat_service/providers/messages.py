"""Messages in chunks, where deltas should be: some servers say in each one all there is until then."""

from collections.abc import Iterable

from chat_service.providers.port import Kind, Part


class Messages:
    """What each message of one answer adds to those before it."""

    def __init__(self) -> None:
        self._said: dict[Kind, str] = {}

    def news(self, parts: Iterable[Part]) -> list[Part]:
        """Of a message's ``parts`` what is new.

        One that begins with all that has been said is the whole until now, and else goes on. What is blank
        may be how anything begins, and tells nothing.
        """
        texts: dict[Kind, str] = {}
        for kind, text in parts:
            texts[kind] = texts.get(kind, "") + text
        told: list[Part] = []
        for kind, text in texts.items():
            before = self._said.get(kind, "")
            new = text[len(before) :] if before.strip() and text.startswith(before) else text
            self._said[kind] = before + new
            if new:
                told.append((kind, new))
        return told
