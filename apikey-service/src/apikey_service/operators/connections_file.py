"""The operator's connections as a file in TOML, read whole or not at all.

::

    [[connections]]
    name = "house"
    base_url = "https://models.example.org/v1"
    provider = "openai"                        # or "anthropic"; openai if absent
    models = ["large", "small"]                # the first is the default
    key_file = "/run/secrets/house.key"        # the key itself never stands here
    roles = ["user", "tenant_admin"]           # absent: all
    tenants = ["0192…"]                        # absent: all
    daily_tokens = 200_000                     # for each user; absent: as many as they like
    parameters = { temperature = 0.7 }         # of what is absent nothing is said
    headers = { "HTTP-Referer" = "https://chat.example.org", "api-key" = { file = "house.key" } }

A path that is not absolute is of the folder that the file is in.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints
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
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from apikey_service.domain.key import Provider
from apikey_service.domain.operator_connection import OperatorConnection
from apikey_service.domain.secret import Secret
from apikey_service.usecases.base_url import normal_base_url
from apikey_service.usecases.ports import AddressRules
from apikey_service.usecases.validation import (
    check_api_key,
    check_headers,
    check_model,
    check_name,
    trimmed_headers,
)
from chassis.errors import FieldError
from servicekit.generation_parameters import GenerationParameters, check_parameters
from servicekit.operator_file import BadFile, Reading, read_toml

_MOST_BYTES = 1024 * 1024
_MOST_SECRET_BYTES = 64 * 1024

_INLINE = (
    "a key does not stand in this file: put it into a file of its own, and name that in key_file"
)


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )


class _InFile(_Part):
    file: str


def _in_toml(kind: Any) -> Any:
    """The type that a parameter has in the file, which knows lists and no tuples."""
    return list[str] | None if kind == tuple[str, ...] | None else kind


_FIELDS: dict[str, Any] = {
    name: (_in_toml(kind), None) for name, kind in get_type_hints(GenerationParameters).items()
}
_Parameters = create_model("_Parameters", __base__=_Part, **_FIELDS)


class _Table:
    """Parameters as a table of the file."""

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            lambda table: GenerationParameters.of(table.model_dump()),
            handler.generate_schema(_Parameters),
        )


def _tenant(value: object) -> UUID:
    if isinstance(value, str):
        return UUID(value)
    raise ValueError("a tenant is named by its id")


class _Connection(_Part):
    name: str
    base_url: str
    provider: Literal["openai", "anthropic"] = "openai"
    models: Annotated[list[str], Field(min_length=1, max_length=1000)]
    key_file: str
    headers: dict[str, str | _InFile] = Field(default_factory=dict)
    parameters: Annotated[GenerationParameters, _Table()] = GenerationParameters()
    roles: Annotated[list[Literal["user", "tenant_admin", "operator"]], Field(min_length=1)] | None = None  # fmt: skip
    tenants: Annotated[list[Annotated[UUID, BeforeValidator(_tenant)]], Field(min_length=1)] | None = None  # fmt: skip
    daily_tokens: Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None = None


class _File(_Part):
    connections: Annotated[list[_Connection], Field(max_length=200)] = Field(default_factory=list)


class ConnectionsReading:
    """One reading of the file at ``path`` and of those that it names, noted in ``reading``."""

    def __init__(self, reading: Reading, path: Path, rules: AddressRules) -> None:
        self._reading = reading
        self._path = path
        self._rules = rules

    def connections(self) -> tuple[OperatorConnection, ...]:
        """In their order. Raises BadFile."""
        told = read_toml(self._reading.text(self._path, _MOST_BYTES))
        self._refuse_inline_keys(told)
        try:
            file = _File.model_validate(told)
        except ValidationError as error:
            problems = error.errors(include_input=False, include_url=False, include_context=False)
            raise BadFile("; ".join(map(_said, problems[:5]))) from None
        since = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        found = tuple(self._connection(entry, since) for entry in file.connections)
        for at, one in enumerate(found):
            if any(other.name_folded == one.name_folded for other in found[:at]):
                raise BadFile(f"connection {at + 1}: another one has this name")
        return found

    @staticmethod
    def _refuse_inline_keys(told: dict[str, Any]) -> None:
        entries = told.get("connections")
        for at, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, dict) and {"key", "api_key"} & entry.keys():
                raise BadFile(f"connection {at + 1}: {_INLINE}")

    def _connection(self, entry: _Connection, since: datetime) -> OperatorConnection:
        name, models = entry.name.strip(), [model.strip() for model in entry.models]
        base_url, errors = normal_base_url(entry.base_url, self._rules)
        api_key = self._secret(entry.key_file, name)
        headers = trimmed_headers(
            (header, Secret(value) if isinstance(value, str) else self._secret(value.file, name))
            for header, value in entry.headers.items()
        )
        errors = [
            *check_name(name),
            *errors,
            *(error for model in models for error in check_model(model, "models")),
            *(FieldError("key_file", error.reason) for error in check_api_key(api_key)),
            *check_headers(headers),
            *check_parameters(entry.parameters, within="parameters"),
        ]
        if len(set(models)) < len(models):
            errors.append(FieldError("models", "NOT_UNIQUE"))
        if errors:
            told = ", ".join(dict.fromkeys(f"{error.field}: {error.reason}" for error in errors))
            raise BadFile(f"connection {name[:100]!r}: {told}")
        return OperatorConnection(
            name=name,
            base_url=base_url,
            provider=Provider(entry.provider),
            models=tuple(models),
            api_key=api_key,
            headers=headers,
            parameters=entry.parameters,
            roles=None if entry.roles is None else frozenset(entry.roles),
            tenants=None if entry.tenants is None else frozenset(entry.tenants),
            daily_tokens=entry.daily_tokens,
            since=since,
        )

    def _secret(self, file: str, name: str) -> Secret:
        try:
            return Secret(self._reading.text(self._path.parent / file, _MOST_SECRET_BYTES).strip())
        except BadFile as error:
            raise BadFile(f"connection {name[:100]!r}: {error}") from None


def _said(problem: ErrorDetails) -> str:
    place = [str(part + 1) if isinstance(part, int) else str(part) for part in problem["loc"]]
    return f"{' '.join(place)}: {problem['msg'].removeprefix('Value error, ')}"
