"""What all schemas share."""

import re
from datetime import UTC, datetime
from typing import Annotated, Generic, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

Item = TypeVar("Item")

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


class ListQuery(BaseModel):
    """Which page of a list."""

    limit: int = Field(20, ge=1, le=100, description="How many items at most.")
    cursor: Annotated[str, AfterValidator(storable)] = Field(
        "", max_length=1024, description="`next_cursor` of the page before."
    )
    count: bool = Field(False, description="Whether to fill `total`.")


class Page(Resource, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="Null on the last page.")
    total: int | None = Field(description="Null unless `count=true` was asked for.")


class Problem(Resource):
    """RFC 9457."""

    class Refusal(Resource):
        """A field that was refused."""

        field: str
        reason: str

    type: str
    title: str
    status: int
    detail: str
    reason: str = Field(description="Stable, in upper snake case, such as NOTE_NOT_FOUND.")
    request_id: str
    errors: list[Refusal] | None = None


def moment(timestamp: Timestamp) -> datetime:
    """``timestamp`` as an aware datetime in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)


def timestamp(moment: datetime) -> Timestamp:
    """The other way round."""
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
