"""Texts of a request: what is dropped at their ends, and how long they may be.

The services hold the bounds, on the text as they keep it, and say which one was missed; here they
are shown, out of the same source.
"""

import unicodedata
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from parley import bounds
from parley.bounds import Length

# What nobody types and everybody pastes: zero-width spaces and joiners, marks of direction, a byte
# order mark, a soft hyphen. Variation selectors stay: each is part of the sign before it.
_UNSEEN = (
    (0x00AD, 0x00AD),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x2064),
    (0x2066, 0x2069),
    (0xFEFF, 0xFEFF),
)
# White space of every script: U+3000 is the last.
_SPACES = [space for space in map(chr, range(0x3001)) if space.isspace()]
# One set, so that any text is walked once.
_DROPPED = "".join(
    [*_SPACES, *(chr(point) for first, last in _UNSEEN for point in range(first, last + 1))]
)
# No text of more characters can be a code.
_LONGEST_CODE = 64


def trimmed(text: str) -> str:
    """``text`` without white space and characters that cannot be seen at its ends; what stands
    between two others stays.
    """
    return text.strip(_DROPPED)


def digits(text: str) -> str:
    """A code as it was sent: digits alone, however they were grouped or typed."""
    if len(text) > _LONGEST_CODE:
        return text
    bare = (character for character in text if character not in _DROPPED and character != "-")
    return unicodedata.normalize("NFKC", "".join(bare))


# What is never shown again.
_SECRET = "password"  # noqa: S105 - a format, not a password


@dataclass(frozen=True, slots=True)
class Shown:
    """How a text is described: its ``length`` and ``pattern`` are held by a service."""

    length: Length | None = None
    pattern: str | None = None
    format: str | None = None

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema: CoreSchema = handler(source)
        return schema

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        shown = handler(schema)
        if self.length is not None:
            if self.length.minimum:
                shown["minLength"] = self.length.minimum
            shown["maxLength"] = self.length.maximum
        if self.pattern is not None:
            shown["pattern"] = f"^{self.pattern}$"
        if self.format is not None:
            shown["format"] = self.format
        if self.format == _SECRET:
            shown["writeOnly"] = True
        return shown


_Trim = AfterValidator(trimmed)


def _not_empty(text: str) -> str:
    if not text:
        raise PydanticCustomError("missing", "must not be empty")
    return text


#: Of a name that null takes away, or that may be absent: an empty one, which says so on the wire, is none.
NOT_EMPTY = AfterValidator(_not_empty)

# Of something that there may be: whatever is no id names nothing.
Id = Annotated[str, _Trim, Shown(format="uuid")]
Username = Annotated[str, _Trim, Shown(bounds.USERNAME)]
LogInName = Annotated[str, _Trim, Shown(bounds.LOG_IN_NAME)]
Email = Annotated[str, _Trim, Shown(bounds.EMAIL, format="email")]
Code = Annotated[str, _Trim, AfterValidator(digits), Shown(pattern=bounds.CODE_PATTERN)]
DisplayName = Annotated[str, _Trim, Shown(bounds.DISPLAY_NAME, bounds.JOINED_LINE_PATTERN)]
TenantName = Annotated[str, _Trim, Shown(bounds.TENANT_NAME, bounds.LINE_PATTERN)]
TokenName = Annotated[str, _Trim, Shown(bounds.TOKEN_NAME)]
Language = Annotated[str, _Trim, Shown(bounds.LANGUAGE, bounds.LANGUAGE_PATTERN)]
PersonaName = Annotated[str, _Trim, Shown(bounds.PERSONA_NAME, bounds.JOINED_LINE_PATTERN)]
KeyName = Annotated[str, _Trim, Shown(bounds.KEY_NAME, bounds.JOINED_LINE_PATTERN)]
BaseUrl = Annotated[str, _Trim, Shown(bounds.BASE_URL, format="uri")]
Model = Annotated[str, _Trim, Shown(bounds.MODEL, bounds.LINE_PATTERN)]
SessionTitle = Annotated[str, _Trim, Shown(bounds.SESSION_TITLE)]
FolderName = Annotated[str, _Trim, Shown(bounds.FOLDER, bounds.JOINED_LINE_PATTERN)]
PersonaTitle = Annotated[str, _Trim, Shown(bounds.PERSONA_TITLE, bounds.JOINED_LINE_PATTERN)]
NoteTitle = Annotated[str, _Trim, Shown(bounds.NOTE_TITLE)]
NoteTag = Annotated[str, _Trim, Shown(bounds.NOTE_TAG)]
UserQueryText = Annotated[str, _Trim, Shown(bounds.USER_QUERY)]
EventName = Annotated[str, _Trim, Shown(bounds.EVENT)]
ApiKey = Annotated[
    str,
    _Trim,
    Shown(bounds.API_KEY, bounds.API_KEY_PATTERN, _SECRET),
]

HeaderName = Annotated[str, _Trim, Shown(bounds.HEADER_NAME, bounds.HEADER_NAME_PATTERN)]
HeaderValue = Annotated[str, _Trim, Shown(bounds.HEADER_VALUE, format=_SECRET)]

# Taken as they are, to the last space: a password is nobody's to correct, and so is a text.
# One that is compared is as long as it likes: it is wrong, then.
Password = Annotated[str, Shown(format=_SECRET)]
LogInPassword = Annotated[str, Shown(Length(0, bounds.PASSWORD.maximum), format=_SECRET)]
NewPassword = Annotated[str, Shown(bounds.PASSWORD, format=_SECRET)]
SharePassword = Annotated[str, Shown(bounds.SHARE_PASSWORD, format=_SECRET)]
QuestionText = Annotated[str, Shown(bounds.QUESTION)]
InstructionsText = Annotated[str, Shown(bounds.INSTRUCTIONS)]
PersonaDescription = Annotated[str, Shown(bounds.PERSONA_DESCRIPTION)]
PersonaPrompt = Annotated[str, Shown(bounds.PERSONA_PROMPT)]
Starter = Annotated[str, Shown(bounds.STARTER)]
NoteText = Annotated[str, Shown(bounds.NOTE_CONTENT)]
