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
from typing import Annotated, Any, Literal

from pydantic import Field

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
from servicekit.file_parts import FileId, FileParameters, FilePart, FileRoles, part_of
from servicekit.generation_parameters import GenerationParameters, check_parameters
from servicekit.operator_file import BadFile, Reading, read_toml

_MOST_BYTES = 1024 * 1024
_MOST_SECRET_BYTES = 64 * 1024

_INLINE = (
    "a key does not stand in this file: put it into a file of its own, and name that in key_file"
)


class _InFile(FilePart):
    file: str


class _Connection(FilePart):
    name: str
    base_url: str
    provider: Literal["openai", "anthropic"] = "openai"
    models: Annotated[list[str], Field(min_length=1, max_length=1000)]
    key_file: str
    headers: dict[str, str | _InFile] = Field(default_factory=dict)
    parameters: FileParameters = GenerationParameters()
    roles: FileRoles | None = None
    tenants: Annotated[list[FileId], Field(min_length=1)] | None = None
    daily_tokens: Annotated[int, Field(ge=1, le=1_000_000_000_000)] | None = None


class _File(FilePart):
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
        file = part_of(_File, told)
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
