"""What a file of the operator's is made of: fields that are known, of the kinds that they are said to be."""

from typing import Annotated, Any, Final, Literal, TypeVar, get_type_hints
from uuid import UUID

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    create_model,
)
from pydantic_core import CoreSchema, core_schema

from servicekit.generation_parameters import GenerationParameters
from servicekit.operator_file import BadFile

#: So many of the things that are wrong are said.
MOST_TOLD: Final = 5

#: Where something stands: `("personas", 0, "name")`.
Place = tuple[str | int, ...]


class FilePart(BaseModel):
    """Something in a file of the operator's."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


Part = TypeVar("Part", bound=FilePart)


def part_of(part: type[Part], told: object) -> Part:
    """``told`` as a part; raises BadFile, which says the fields of what is wrong and shows no value."""
    try:
        return part.model_validate(told)
    except ValidationError as error:
        wrong = [f"{field_of(place)}: {why}" for place, why in wrong_in(error)[:MOST_TOLD]]
        raise BadFile("; ".join(wrong)) from None


def wrong_in(error: ValidationError) -> list[tuple[Place, str]]:
    """The places of what is wrong, with the reasons, and without the values."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [(one["loc"], one["msg"].removeprefix("Value error, ")) for one in found]


def field_of(place: Place) -> str:
    """As a person counts: `personas 1 name`."""
    return " ".join(str(part + 1) if isinstance(part, int) else part for part in place)


def _id(value: object) -> UUID:
    if isinstance(value, str):
        return UUID(value)
    raise ValueError("an id is a text")


#: What names a user or a tenant.
FileId = Annotated[UUID, BeforeValidator(_id)]
FileRoles = Annotated[list[Literal["user", "tenant_admin", "operator"]], Field(min_length=1)]


def _in_file(kind: Any) -> Any:
    """The type that a parameter has in a file, which knows lists and no tuples."""
    return list[str] | None if kind == tuple[str, ...] | None else kind


_FIELDS: Final[dict[str, Any]] = {
    name: (_in_file(kind), None) for name, kind in get_type_hints(GenerationParameters).items()
}
_Parameters = create_model("_Parameters", __base__=FilePart, **_FIELDS)


class _Table:
    """Parameters as a table of the file."""

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            lambda table: GenerationParameters.of(table.model_dump()),
            handler.generate_schema(_Parameters),
        )


#: A table of parameters by their names; their bounds are checked by ``check_parameters``.
FileParameters = Annotated[GenerationParameters, _Table()]
