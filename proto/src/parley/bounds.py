"""How long texts and how large numbers of the contracts may be, and what is in them: said once, for both sides.

The services hold them, each in its domain; the gateway shows them in its OpenAPI document. Written
by hand, of the standard library alone.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Length:
    """Characters of a text as it is kept, both numbers inclusive."""

    minimum: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Range:
    """A number, both ends inclusive."""

    minimum: float
    maximum: float


# What names, titles and whatever else is one line may have in it: what is drawn, and blanks. Not controls,
# other spaces, format characters, of which two names that look alike could be made, or private ones. What no
# version of Unicode has a character for yet is taken, since a name does not wait for a new Python. Written with
# escapes that ECMAScript, Python and Rust share, and beyond U+FFFF, where they share none, as it is.
_UNDRAWN = (
    r"\u007f-\u00a0\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ue000-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff\U000f0000-\U0010fffd"
)
LINE_PATTERN = rf"[^\u0000-\u001f{_UNDRAWN}]*"
_LINE = re.compile(LINE_PATTERN)
# The same, and between two characters that are drawn one that says whether they join (U+200C, U+200D): Persian, Hindi
# and emoji of several people are not written without.
_JOINER = r"[\u200c\u200d]"
_DRAWN = rf"[^\u0000-\u0020{_UNDRAWN}]"
JOINED_LINE_PATTERN = rf"(?: |{_DRAWN}(?:{_JOINER}{_DRAWN})*)*"
# Told in three walks, which take a tenth of that one's time.
_LOOSE = re.compile(rf"(?<![^ \u200c\u200d]){_JOINER}|{_JOINER}(?![^ \u200c\u200d])")
#: What joins.
JOINERS = "\u200c\u200d"


def is_line(text: str) -> bool:
    """Whether there is nothing in ``text`` but what LINE_PATTERN has."""
    return _LINE.fullmatch(text) is not None


def is_joined_line(text: str) -> bool:
    """Whether there is nothing in ``text`` but what JOINED_LINE_PATTERN has."""
    return is_line(text.replace("\u200c", "").replace("\u200d", "")) and _LOOSE.search(text) is None


# Identity.
USERNAME = Length(2, 32)
EMAIL = Length(1, 254)
PASSWORD = Length(8, 256)
DISPLAY_NAME = Length(0, 64)
TENANT_NAME = Length(1, 64)
TOKEN_NAME = Length(1, 64)
# What is typed for a name when logging in: a username or an e-mail address.
LOG_IN_NAME = Length(0, 254)
CODE_PATTERN = "[0-9]{6}"
# What is looked for in names and addresses, and an event's name.
USER_QUERY = Length(0, 254)
MAX_USER_IDS = 100
EVENT = Length(0, 64)
# A user's settings.
LANGUAGE = Length(2, 35)
LANGUAGE_PATTERN = "[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
INSTRUCTIONS = Length(0, 8_000)
PERSONA_NAME = Length(1, 64)
RETENTION_DAYS = Range(1, 3650)

# Provider connections.
KEY_NAME = Length(1, 100)
API_KEY = Length(1, 8_000)
API_KEY_PATTERN = "[!-~]*"
BASE_URL = Length(1, 500)
MODEL = Length(1, 200)
# Beside the key: how many, their names and values, and all of it together.
MAX_HEADERS = 16
HEADER_NAME = Length(1, 64)
HEADER_NAME_PATTERN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
HEADER_VALUE = Length(1, 8_000)
HEADERS = Length(0, 16_000)
# What is kept of what a server has taught.
MAX_LEARNT = 32
LEARNT_PARAMETER = Length(1, 64)
USE_REASON = Length(1, 64)

# Conversations. An operator may set another maximum for a question: this is the one without.
QUESTION = Length(1, 32_000)
SESSION_TITLE = Length(0, 200)
FOLDER = Length(1, 100)
READ_ORDER = Range(0, 2**31 - 1)
# Files that are attached to a question.
MAX_ATTACHMENTS = 10
# Of an answer that its user has written.
EDITED_ANSWER = Length(1, 200_000)
TEMPERATURE = Range(0, 2)
MAX_TOKENS = Range(1, 1_000_000)
TOP_P = Range(0, 1)
# Of each text at which an answer ends, and how many of them there may be.
STOP = Length(1, 64)
MAX_STOPS = 4
REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high")

# Shares of conversations: seconds until one expires, its password, and how often it may be opened.
SHARE_EXPIRES_IN = Range(1, 315_360_000)
SHARE_PASSWORD = Length(4, 256)
SHARE_MAX_VIEWS = Range(1, 1_000_000)

# Personas, and the questions to begin with that each has.
PERSONA_TITLE = Length(1, 100)
PERSONA_DESCRIPTION = Length(0, 1_000)
PERSONA_PROMPT = Length(1, 20_000)
STARTER = Length(1, 500)
MAX_STARTERS = 4

# Notes.
NOTE_TITLE = Length(1, 200)
NOTE_CONTENT = Length(0, 100_000)
NOTE_TAG = Length(1, 50)
MAX_NOTE_TAGS = 20
#: What a file calls one that is imported, and how many are handed over at once.
IMPORTED_KEY = Length(1, 100)
MAX_IMPORTED_NOTES = 100
# What is searched.
SEARCH_QUERY = Length(0, 200)

# Files: of a name as it is kept.
FILE_NAME = Length(1, 255)

# Lists.
PAGE = Range(1, 100)
