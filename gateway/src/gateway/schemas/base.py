"""What all schemas share."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import orjson
from fastapi import Query
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from chassis.errors import FieldError, ValidationFailed
from parley import bounds

Item = TypeVar("Item")


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: Of an integer in a body: as JSON has it, of which 3.0 is one. Behind its bounds, which are shown so.
WHOLE = BeforeValidator(_whole)

_DIGITS = re.compile(r"-?[0-9]+")


def _digits(value: object) -> object:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise PydanticCustomError("int_parsing", "must be an integer, in digits")
    return value


#: Of an integer in a query or a header: 1_0, 1.0 and what else Python reads is none. Behind its bounds, likewise.
DIGITS = BeforeValidator(_digits)

# RFC 3339, section 5.6; what Python and Pydantic read goes further, down to Unix seconds.
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Body(BaseModel):
    """A request body: exact types, and no field that is not asked for.

    Lengths and formats are the business of the services, which say what is wrong by field.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Nothing(Body):
    """A body that may be left out: it has no fields."""


class Resource(BaseModel):
    """Something a response shows."""

    model_config = ConfigDict(frozen=True)


def example(also: Mapping[str, Any] | None = None, /, **members: Any) -> ConfigDict:
    """What a schema shows as its example: as text, since FastAPI takes every null out of what it
    is given. ``gateway.documents`` reads it. ``also`` are keywords of JSON Schema beside its fields'.
    """
    return ConfigDict(
        json_schema_extra={"examples": [orjson.dumps(members).decode()], **(also or {})}
    )


def storable(text: str) -> str:
    """``text`` unless it has U+0000 in it, which no database of ours takes."""
    if "\x00" in text:
        raise PydanticCustomError("invalid_character", "must not contain U+0000")
    return text


def _read_moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "must be a time in RFC 3339")
    if not _RFC_3339.fullmatch(value):
        raise PydanticCustomError("not_rfc_3339", "must be a time in RFC 3339, with its offset")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except ValueError:
        raise PydanticCustomError("not_a_moment", "must be a time that there is") from None
    except OverflowError:
        raise PydanticCustomError("out_of_range", "must be a year of four digits in UTC") from None


# A time with its offset, in UTC from then on.
Moment = Annotated[AwareDatetime, BeforeValidator(_read_moment)]


def check_span(since: datetime | None, until: datetime | None) -> None:
    """Raises ValidationFailed, of `to`, if what is asked for ends before it begins."""
    if since is not None and until is not None and until < since:
        raise ValidationFailed(fields=[FieldError("to", "BEFORE_FROM")])


class PageQuery(BaseModel):
    """Which page of a list that is not counted."""

    limit: Annotated[
        int,
        Field(
            ge=bounds.PAGE.minimum,
            le=bounds.PAGE.maximum,
            description="How many items at most.",
        ),
        DIGITS,
    ] = 20
    cursor: Annotated[str, AfterValidator(storable)] = Field(
        "",
        max_length=1024,
        description="`next_cursor` of the page before; any other text is refused.",
    )


_COUNT = "Whether to fill `total`."
#: Of a list that is one page.
Count = Annotated[bool, Query(description=_COUNT)]


class ListQuery(PageQuery):
    """Which page of a list."""

    count: bool = Field(False, description=_COUNT)


class Page(Resource, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Null on the last page.")
    total: int | None = Field(description="Null unless `count=true` was asked for.")

    @classmethod
    def whole(cls, items: list[Item], *, count: bool) -> "Page[Item]":
        """All there are, on one page."""
        return cls(items=items, next_cursor=None, total=len(items) if count else None)


class Problem(Resource):
    """RFC 9457."""

    class Refusal(Resource):
        """A field that was refused."""

        field: str = Field(description="Its name, with its path.")
        reason: str = Field(description="Stable, in upper snake case, such as TOO_SHORT.")
        minimum: float | SkipJsonSchema[None] = Field(
            None, description="With TOO_SHORT, TOO_FEW and TOO_SMALL: the bound, inclusive."
        )
        maximum: float | SkipJsonSchema[None] = Field(
            None, description="With TOO_LONG, TOO_MANY and TOO_LARGE: the bound, inclusive."
        )

    model_config = example(
        type="about:blank",
        title="Unprocessable Content",
        status=422,
        detail="Some fields are not acceptable.",
        reason="VALIDATION",
        request_id="0192f0c1a7e47d5f8a3e2b6c9d1f4e70",
        errors=[{"field": "password", "reason": "TOO_SHORT", "minimum": 8}],
    )

    type: str
    title: str
    status: int
    detail: str = Field(description="A sentence for people.")
    reason: str = Field(description="Stable, in upper snake case, such as NOTE_NOT_FOUND.")
    request_id: str = Field(description="What the log of the server knows the request by.")
    used: int | SkipJsonSchema[None] = Field(
        None,
        description="With ALLOWANCE_USED_UP and USAGE_LIMIT_REACHED: tokens that were used in the day or"
        " month, in UTC; with FILES_QUOTA_USED_UP: bytes of one's files; with IMPORTS_QUOTA_USED_UP:"
        " those of one's imports that have not been read yet.",
    )
    allowed: int | SkipJsonSchema[None] = Field(
        None,
        description="With the same: tokens that may be used in it, bytes that there may be; with"
        " TOO_MANY_FILES: how many they may be.",
    )
    period: Literal["day", "month"] | SkipJsonSchema[None] = Field(
        None, description="With USAGE_LIMIT_REACHED: what the limit is of."
    )
    used_cost: str | SkipJsonSchema[None] = Field(
        None, description="With the same, of a limit of cost: what was used, a decimal number."
    )
    allowed_cost: str | SkipJsonSchema[None] = Field(
        None, description="With the same: what may be used."
    )
    currency: str | SkipJsonSchema[None] = Field(
        None, description="With the same: of both, three capital letters."
    )
    resets_at: datetime | SkipJsonSchema[None] = Field(
        None,
        description="With ALLOWANCE_USED_UP and USAGE_LIMIT_REACHED: when nothing of it is used again.",
    )
    maximum: int | SkipJsonSchema[None] = Field(
        None, description="With FILE_TOO_LARGE: bytes that a file may have."
    )
    kind: str | SkipJsonSchema[None] = Field(
        None,
        description="With FILE_KIND_REFUSED, where that is known, and FILE_UNREADABLE: what the file is.",
    )
    errors: list[Refusal] | SkipJsonSchema[None] = Field(
        None,
        description="With VALIDATION: the fields that were refused, twenty at most.",
        json_schema_extra={"maxItems": 20},
    )


def moment(timestamp: Timestamp) -> datetime:
    """``timestamp`` as an aware datetime in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)


def timestamp(moment: datetime) -> Timestamp:
    """The other way round."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
