"""Typed settings, read from environment variables with a prefix of the service's own.

A secret may also be given as a file: for a variable ``NAME``, ``NAME_FILE`` holds the path of
a file with its value (trailing newline ignored). The file wins nothing: to set both is an
error. A missing or empty secret refuses to start, also one that is part of a URL, and no message
shows a value. A list is given as its entries with commas between them, or as a list of JSON.

Who fills ``NAME`` from a variable of another name says so in ``NAME_FROM``: a line about it then
names both, since the other one is what the operator has set.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn, TypeVar, get_origin

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.sources import EnvSettingsSource

from chassis.setting_values import LogLevel, check_secret_url, entries

AnySettings = TypeVar("AnySettings", bound=BaseSettings)

#: Exit status of a process that cannot work with what it was told: once more is no use.
UNUSABLE_STATUS: Final = 2

_LISTS: Final = (list, tuple, set, frozenset)
_LIST_FORM: Final = 'a list is written one,two or ["one","two"]'


class UnusableSetting(Exception):
    """What a variable says, or what it points to, cannot be worked with.

    ``variable`` is its name; ``problem`` completes the line "settings: NAME: …" and shows no
    secret. Where the environment has a ``NAME_FROM``, the line is "settings: NAME (from …): …".
    """

    def __init__(self, variable: str, problem: str) -> None:
        given = os.environ.get(f"{variable}_FROM")
        name = f"{variable} (from {given})" if given else variable
        super().__init__(f"settings: {name}: {problem}")


def variable_of(settings: type[BaseSettings], field: str) -> str:
    """The variable that ``field`` was read from: with ``_FILE`` if it was the path of a file."""
    name = f"{settings.model_config.get('env_prefix', '')}{field}".upper()
    in_file = f"{name}_FILE"
    return in_file if name not in os.environ and in_file in os.environ else name


def refuse(*problems: object) -> NoReturn:
    """End the process with a line for each problem, and UNUSABLE_STATUS."""
    for problem in problems:
        print(problem, file=sys.stderr, flush=True)
    raise SystemExit(UNUSABLE_STATUS)


def service_config(prefix: str) -> SettingsConfigDict:
    """The ``model_config`` of a service whose variables begin with ``prefix``."""
    return SettingsConfigDict(
        env_prefix=prefix,
        env_ignore_empty=False,
        # Lists are read below: people write them with commas as often as in JSON.
        enable_decoding=False,
        allow_inf_nan=False,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )


class _FileSource(EnvSettingsSource):
    """Reads ``NAME_FILE`` for each secret ``NAME``: what container secrets are mounted as."""

    def __call__(self) -> dict[str, Any]:
        # To match fields with what was found is most of what settings cost, and there may be none.
        return super().__call__() if self.env_vars else {}

    def _load_env_vars(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for field_name, field in self.settings_cls.model_fields.items():
            if "SecretStr" not in str(field.annotation):
                continue
            name = f"{self.settings_cls.model_config.get('env_prefix', '')}{field_name}".upper()
            path = os.environ.get(f"{name}_FILE")
            if path is None:
                continue
            if name in os.environ:
                raise UnusableSetting(f"{name}_FILE", f"{name} is set too: it is one or the other")
            try:
                value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
            except OSError as error:
                raise UnusableSetting(f"{name}_FILE", f"{error.strerror}: {path}") from None
            except UnicodeDecodeError:
                raise UnusableSetting(f"{name}_FILE", f"not text in UTF-8: {path}") from None
            found[name.lower()] = value
        return found


class _FileAwareSettings(BaseSettings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileSource(settings_cls)

    @field_validator("*", mode="before")
    @classmethod
    def _reads_lists(cls, value: object, info: ValidationInfo) -> object:
        assert info.field_name is not None
        if isinstance(value, str) and _is_list(cls, info.field_name):
            return entries(value)
        return value


def _is_list(settings: type[BaseSettings], field: str) -> bool:
    return get_origin(settings.model_fields[field].annotation) in _LISTS


class ServiceSettings(_FileAwareSettings):
    """What every process has.

    Every number has both bounds: what no machine could mean is a slip, and is said at the start.
    ``listens_at`` names the pairs of fields that say where the process listens, host and port.
    """

    listens_at: ClassVar[tuple[tuple[str, str], ...]] = (("metrics_host", "metrics_port"),)

    log_level: LogLevel = Field("info", description="Least level that is logged.")
    metrics_host: str = Field(
        "127.0.0.1", min_length=1, description="Address of metrics and probes."
    )
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of metrics and probes; 0: any free one."
    )
    drain_seconds: float = Field(
        25.0, ge=0, le=600, description="How long open streams may go on after SIGTERM, seconds."
    )
    tls_ca_file: Path = Field(description="Certificate of the authority all services share.")
    tls_cert_file: Path = Field(description="This service's certificate.")
    tls_key_file: Path = Field(description="This service's private key.")


class GrpcServerSettings(ServiceSettings):
    """What a gRPC service has besides."""

    listens_at: ClassVar = (*ServiceSettings.listens_at, ("grpc_host", "grpc_port"))

    grpc_host: str = Field(
        "127.0.0.1", min_length=1, description="Address the gRPC server listens on."
    )
    grpc_port: int = Field(0, ge=0, le=65535, description="Its port; 0: any free one.")
    grpc_connection_age_seconds: float = Field(
        15.0,
        ge=0.1,
        le=3600,
        description="After so long a client is asked to connect anew, which is when it learns of "
        "replicas that were added; calls and streams on the old connection go on to their end.",
    )


class DatabaseSettings(_FileAwareSettings):
    """Where the service's own database is: one URL for each of its three roles."""

    database_url: SecretStr = Field(
        description="postgresql://… of the app role: row-level security applies."
    )
    worker_database_url: SecretStr = Field(
        description="postgresql://… of the worker role: background jobs."
    )
    owner_database_url: SecretStr | None = Field(
        None, description="postgresql://… of the owner role: needed by `migrate` alone."
    )
    database_pool_size: int = Field(
        8, ge=1, le=200, description="Connections per role and process."
    )

    @field_validator("database_url", "worker_database_url", "owner_database_url")
    @classmethod
    def _names_a_password(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            cls.check_url(value.get_secret_value())
        return value

    @staticmethod
    def check_url(url: str) -> None:
        """Raise ValueError, saying nothing of it, unless ``url`` can be one of these."""
        check_secret_url(
            url,
            "postgresql://role:password@host:port/name, or …/name?sslcert=file&sslkey=file",
            ("postgresql", "postgres"),
            certificate="sslcert",
        )


class EventsSettings(_FileAwareSettings):
    """Where NATS JetStream is."""

    nats_url: SecretStr = Field(description="nats://… with this service's own user and password.")
    events_prefix: str = Field(
        "parley",
        description="First token of every subject. All services have the same, for which the "
        "accounts on NATS are made too: `make run` does that, docker-compose.yml has `parley`.",
    )

    @field_validator("events_prefix")
    @classmethod
    def _is_one_token(cls, value: str) -> str:
        cls.check_prefix(value)
        return value

    @staticmethod
    def check_prefix(prefix: str) -> None:
        """Raise ValueError unless subjects can begin with ``prefix``."""
        if not re.fullmatch(r"[a-z0-9_-]{1,64}", prefix):
            raise ValueError("it is 1 to 64 of the characters a-z, 0-9, _ and -")

    @field_validator("nats_url")
    @classmethod
    def _names_credentials(cls, value: SecretStr) -> SecretStr:
        # nats-py goes to each server with the credentials of its own URL.
        for server in value.get_secret_value().split(","):
            check_secret_url(
                server.strip(), "nats://name:password@host:port", ("nats", "tls"), token=True
            )
        return value


def load_settings(settings: type[AnySettings]) -> AnySettings:
    """Read ``settings`` from the environment, or exit with one line for each bad variable.

    Raises SystemExit with UNUSABLE_STATUS after having said on standard error what is missing or
    wrong, and for a list how one is written; never shows a value.
    """
    try:
        return settings()
    except UnusableSetting as error:
        refuse(error)
    except ValidationError as error:
        found: dict[str, list[str]] = {}
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            if not problem["loc"]:
                raise RuntimeError("a rule over several settings must be one field's") from None
            found.setdefault(str(problem["loc"][0]), []).append(_said(problem))
        refuse(*(_line(settings, field, said) for field, said in found.items()))


def _said(problem: ErrorDetails) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    entry = problem["loc"][1] if len(problem["loc"]) > 1 else None
    return f"entry {entry + 1}: {message}" if isinstance(entry, int) else message


def _line(settings: type[BaseSettings], name: str, said: list[str]) -> UnusableSetting:
    # A field that is missing is called by its variable.
    field = name.lower().removeprefix(str(settings.model_config.get("env_prefix", "")).lower())
    form = [_LIST_FORM] if _is_list(settings, field) else []
    return UnusableSetting(variable_of(settings, field), "; ".join([*said, *form]))
