"""Display names."""

import unicodedata

from parley.bounds import DISPLAY_NAME, is_joined_line


def normalise_display_name(text: str) -> str:
    """``text`` as it is kept: composed, without white space at its ends."""
    if len(text) > 4 * DISPLAY_NAME.maximum:
        return text
    return unicodedata.normalize("NFC", text).strip()


def display_name_problem(name: str) -> str | None:
    """Why a normalised display name is refused, None if it is not.

    Accepted are at most 64 printable characters, none included: that means by the username.
    """
    if len(name) > DISPLAY_NAME.maximum:
        return "TOO_LONG"
    return None if is_joined_line(name) else "INVALID_CHARACTER"
