"""Which characters go together in one name, and which are drawn as nothing: by Unicode's data."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

# Scripts in everyday use: UAX #31, table 5. UTS #39 keeps all others out of identifiers.
_SCRIPTS = (
    "Arab Armn Beng Bopo Cyrl Deva Ethi Geor Grek Gujr Guru Hang Hani Hebr Hira Kana Khmr Knda"
    " Laoo Latn Mlym Mymr Orya Sinh Taml Telu Thaa Thai Tibt"
)
# What people write beside each other: UTS #39, level "Highly Restrictive".
_WRITTEN_TOGETHER = ("Latn Hani Hira Kana", "Latn Hani Bopo", "Latn Hani Hang")


def _written_in(scripts: Iterable[str]) -> str:
    # A character may belong to several scripts, and digits and marks to every one.
    return "[" + "".join(rf"\p{{scx={script}}}" for script in (*scripts, "Zyyy", "Zinh")) + "]*"


# Compiled when a name is first looked at: most who start never look at one.
@cache
def _patterns() -> "_Patterns":
    import regex

    return _Patterns(
        in_use=regex.compile(_written_in(_SCRIPTS.split())),
        single_script=regex.compile(
            "|".join(
                _written_in(together.split())
                for together in (*_SCRIPTS.split(), *_WRITTEN_TOGETHER)
            )
        ),
        # Controls, what nobody has assigned, white space; and marks and letters without a look.
        invisible=regex.compile(r"[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]"),
    )


@dataclass(frozen=True, slots=True)
class _Patterns:
    in_use: "regex.Pattern[str]"
    single_script: "regex.Pattern[str]"
    invisible: "regex.Pattern[str]"


def is_in_use(text: str) -> bool:
    """Whether all of ``text`` is of scripts in everyday use, of one or of several."""
    return _patterns().in_use.fullmatch(text) is not None


def is_single_script(text: str) -> bool:
    """Whether all of ``text`` is of one script in everyday use, or of those that are written
    together (Latin with Japanese, with Bopomofo and Han, with Korean), and its decimal digits are
    of one kind.

    UTS #39: level Highly Restrictive, and its rule on numbers. An а of Cyrillic beside Latin
    letters is not.
    """
    zeros = {ord(one) - digit for one in text if (digit := unicodedata.decimal(one, -1)) >= 0}
    return len(zeros) <= 1 and _patterns().single_script.fullmatch(text) is not None


def has_invisible(text: str) -> bool:
    """Whether a character of ``text`` shows as nothing or as space, or is no character.

    So do joiners, marks of direction, soft hyphens, tags, variation selectors and fillers.
    """
    return _patterns().invisible.search(text) is not None
