"""A provider's key in the clear, and what of it may be shown."""

import re
from typing import Final, NoReturn

_PREFIX = re.compile(r"[A-Za-z]{2,4}[-_]")
_SHOWN = 4
# Shorter keys would be given away for a good part by their last characters.
_SHORTEST_SHOWN = 12


class Secret:
    """A text that shows itself to nobody who does not ask by name.

    It has no ``str``, no ``repr`` and no pickle that would give it away.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """The text itself: keep it for as short as can be."""
        return self._text

    def trimmed(self) -> "Secret":
        """Without white space around it, as it is kept."""
        return Secret(self._text.strip())

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be pickled or copied")


def mask(secret: Secret) -> str:
    """What a user may see of a key: ``sk-…wxyz``.

    The last four characters of a key of at least twelve, behind its customary prefix if it
    has one (2–4 letters and ``-`` or ``_``); of a shorter key nothing but ``…``.
    """
    text = secret.reveal()
    if len(text) < _SHORTEST_SHOWN:
        return "…"
    prefix = _PREFIX.match(text)
    return f"{prefix[0] if prefix else ''}…{text[-_SHOWN:]}"
