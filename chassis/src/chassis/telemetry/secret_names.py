"""What stands under the name of a secret, and what only sounds like one.

A value under ``password``, ``api_key``, ``refresh_token``, ``otp`` … is a secret whatever its type.
Two sorts of names are told apart by the value as well: ``max_tokens`` or ``token_count`` count
something, and their numbers are no secrets; ``code`` is of an error (``404``, ``NOT_FOUND``) or, with
six digits, what somebody was sent to prove who they are.
"""

import re
from enum import Enum, auto
from typing import Final

_ANYWHERE: Final = re.compile(
    r"password|passwd|passphrase|passcode|secret|token(?!i[sz])|api_?key|authorization|cookie|"
    r"credential|(?:private|access|signing|encryption)_?key",
    re.IGNORECASE,
)
# Parts of other words: pinned, option.
_AS_A_WORD: Final = frozenset({"pin", "pins", "otp", "otps", "totp", "pwd", "jwt", "cvv", "cvc"})
_CODE: Final = frozenset({"code", "codes"})
# What makes a code one that proves who somebody is; "status", "error", "exit" do not.
_PROVES: Final = (
    "verification confirmation reset recovery backup login auth authentication authorization"
    " security email mail sms mfa 2fa otp time access activation invite invitation"
)
_COUNTS: Final = (
    "tokens count counts counter max maximum min minimum most least limit limits total totals size"
    " length len characters bytes kib seconds ms minutes hours days age life ttl iterations queue"
    " workers lanes parallelism attempts tries budget window left remaining used ended per rate"
    " expires version"
)
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?")
# Of six digits; as a number without the zeros that it begins with.
_SIX_DIGITS: Final = re.compile(r"[0-9]{3}[ -]?[0-9]{3}")
_LEAST_CODE: Final = 10_000


class Disclosed(str):
    """A text that is to be read in the log, whatever it is called there."""

    __slots__ = ()


class Name(Enum):
    """What a name says of what stands under it."""

    PLAIN = auto()
    SECRET = auto()
    #: Of a secret by its words, yet it counts something.
    COUNT = auto()
    CODE = auto()

    def hides(self, value: object) -> bool:
        """Whether ``value``, which holds no others, is not to be read under this name.

        ``None`` and truth values never tell a secret.
        """
        if value is None or isinstance(value, bool | Disclosed) or self is Name.PLAIN:
            return False
        if self is Name.COUNT:
            return not (isinstance(value, int | float) or _is_text_of(_NUMBER, value))
        if self is Name.CODE:
            if isinstance(value, int | float):
                return _LEAST_CODE <= value < 10**6
            return _is_text_of(_SIX_DIGITS, value)
        return True


def _is_text_of(shape: re.Pattern[str], value: object) -> bool:
    if isinstance(value, bytes | bytearray | memoryview):
        value = bytes(value).decode("ascii", "replace")
    return isinstance(value, str) and shape.fullmatch(value) is not None


_PROVING: Final = frozenset(_PROVES.split())
_COUNTING: Final = frozenset(_COUNTS.split())

# The names of fields are few and the same.
_known: dict[str, Name] = {}
_MOST_NAMES: Final = 1000


def name_of(name: str) -> Name:
    """What ``name`` is, in ``snake_case``, ``camelCase`` or ``kebab-case``."""
    found = _known.get(name)
    if found is None:
        found = _look_at(name)
        if len(_known) < _MOST_NAMES:
            _known[name] = found
    return found


def _look_at(name: str) -> Name:
    words = {word.lower() for word in _WORDS.findall(name)}
    proves = words & _CODE and words & _PROVING
    if proves or words & _AS_A_WORD or _ANYWHERE.search(name.replace("-", "_")):
        return Name.COUNT if words & _COUNTING else Name.SECRET
    return Name.CODE if words <= _CODE and words else Name.PLAIN
