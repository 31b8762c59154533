"""What counts as an e-mail address: a shape that mail can be sent to, not the whole of RFC 5321."""

import re
import unicodedata

from auth_service.domain.scripts import has_invisible
from parley.bounds import EMAIL

_LOCAL_MAX = 64
_ASCII_DOMAIN_MAX = 253

# Printable, and none of what RFC 5322 allows inside quotes only.
_ATOM = r"""[^\s\x00-\x1f\x7f"(),:;<>@\[\]\\.]+"""
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+", re.ASCII)
_PUNYCODE = "xn--"


def normalise_email(text: str) -> str:
    """``text`` as it is kept and shown: the domain in the one form that all its spellings share
    (UTS #46: case, width, Punycode), the part before the ``@`` composed (RFC 6532) and otherwise
    as it is, for it belongs to its host.

    What is no domain stays no domain.
    """
    local, at, domain = text.rpartition("@")
    if not at or len(text) > EMAIL.maximum:
        return text
    names = _names(domain)
    return f"{unicodedata.normalize('NFC', local)}@{domain.lower() if names is None else names[0]}"


def email_key(text: str) -> str:
    """What is unique among verified addresses, and finds one in whatever spelling.

    Equal for addresses with the same domain whose local parts differ in case or compatibility
    forms only. Defined for any text.
    """
    if len(text) > EMAIL.maximum:
        return text
    local, at, domain = text.rpartition("@")
    names = _names(domain)
    return f"{_folded(local)}{at}{_folded(domain) if names is None else names[0]}"


def email_keys(text: str) -> tuple[str, ...]:
    """Every key that the mailbox of ``text`` may be kept under, the present one first.

    Others are of before domains were compared as UTS #46 has them: as they were typed, with
    compatibility forms and case folded. Such a key may be another mailbox's, by today's rule
    (``ß`` was ``ss``): what is found under it counts if its address has the present key.
    """
    key = email_key(text)
    local, _, domain = text.rpartition("@")
    if domain.isascii() and _PUNYCODE not in domain.lower():
        return (key,)
    names = _names(domain)
    ascii_key = () if names is None else (f"{_folded(local)}@{names[1]}",)
    return tuple(dict.fromkeys((key, *ascii_key, _folded(text))))


def wire_address(email: str) -> str:
    """A normalised address as mail servers take it that know nothing of other scripts: with its
    domain in ASCII.
    """
    local, at, domain = email.rpartition("@")
    names = _names(domain)
    return email if names is None else f"{local}{at}{names[1]}"


def email_problem(email: str) -> str | None:
    """Why a normalised ``email`` is refused, None if it is not.

    Accepted are at most 254 characters, ``local@domain``: a local part of at most 64 without
    quotes, spaces, empty dot-separated pieces or characters that nobody sees, and a domain of two
    labels or more, which IDNA 2008 knows how to write in ASCII. Letters of any script may stand
    on either side.
    """
    if not email:
        return "REQUIRED"
    if len(email) > EMAIL.maximum:
        return "TOO_LONG"
    if "\0" in email:
        return "INVALID_CHARACTER"
    local, _, domain = email.rpartition("@")
    if len(local) > _LOCAL_MAX or not _LOCAL.fullmatch(local):
        return "INVALID"
    names = _names(domain)
    if names is None or len(names[1]) > _ASCII_DOMAIN_MAX or not _DOMAIN.fullmatch(names[1]):
        return "INVALID"
    return "INVALID_CHARACTER" if has_invisible(local) else None


def _names(domain: str) -> tuple[str, str] | None:
    """The domain as people write it and as it is in ASCII; None if IDNA has no such name."""
    if domain.isascii() and _PUNYCODE not in domain.lower():
        return domain.lower(), domain.lower()
    # What Punycode costs grows with the square of a name.
    if len(domain) > _ASCII_DOMAIN_MAX:
        return None
    # Tables that most who start never need.
    import idna

    try:
        in_ascii = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower()
        return idna.decode(in_ascii), in_ascii
    except idna.IDNAError:
        return None


def _folded(text: str) -> str:
    # Folding can undo the normal form, and the other way round: at the third step both rest.
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text)
