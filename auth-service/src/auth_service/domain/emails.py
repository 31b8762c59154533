"""What counts as an e-mail address: a shape that mail can be sent to, not the whole of RFC 5321."""

import re
import unicodedata

from parley.bounds import EMAIL

_LOCAL_MAX = 64

# Printable, and none of what RFC 5322 allows inside quotes only.
_ATOM = r"""[^\s\x00-\x1f\x7f"(),:;<>@\[\]\\.]+"""
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


def normalise_email(text: str) -> str:
    """``text`` with its domain in lower case; the part before the ``@`` belongs to its host."""
    local, at, domain = text.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def email_key(text: str) -> str:
    """What is unique among verified addresses, and finds one in whatever spelling.

    Equal for addresses that differ in case or compatibility forms only. Defined for any text.
    """
    if len(text) > EMAIL.maximum:
        return text
    # Folding can undo the normal form, and the other way round: at the third step both rest.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text)


def email_problem(email: str) -> str | None:
    """Why ``email`` is refused, None if it is not.

    Accepted are at most 254 characters, ``local@domain``: a local part of at most 64 without
    quotes, spaces or empty dot-separated pieces, and a domain of two labels or more. Letters
    of any script may stand on either side.
    """
    if not email:
        return "REQUIRED"
    if len(email) > EMAIL.maximum:
        return "TOO_LONG"
    if "\0" in email:
        return "INVALID_CHARACTER"
    local, _, domain = email.rpartition("@")
    if len(local) > _LOCAL_MAX or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return "INVALID"
    return None
