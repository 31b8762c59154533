"""Typed settings, read from environment variables with a prefix of the service's own.

A secret may also be given as a file: for a variable ``NAME``, ``NAME_FILE`` holds the path of
a file with its value (trailing newline ignored). The file wins nothing: to set both is an
error. A missing or empty secret refuses to start, also one that is part of a URL, and no message
shows a value.
"""

import os
import re
import sys
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import parse_qs

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.sources import EnvSettingsSource

AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def service_config(prefix: str) -> SettingsConfigDict:
    """The ``model_config`` of a service whose variables begin with ``prefix``."""
    return SettingsConfigDict(
        env_prefix=prefix,
        env_ignore_empty=False,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )


class _FileSource(EnvSettingsSource):
    """Reads ``NAME_FILE`` for each secret ``NAME``: what container secrets are mounted as."""

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
                raise SystemExit(f"settings: {name} and {name}_FILE are both set")
            try:
                value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
            except OSError as error:
                raise SystemExit(f"settings: {name}_FILE: {error.strerror}: {path}") from None
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


class ServiceSettings(_FileAwareSettings):
    """What every process has."""

    log_level: str = Field("info", description="Least level that is logged.")
    metrics_host: str = Field("127.0.0.1", description="Address of metrics and probes.")
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

    grpc_host: str = Field("127.0.0.1", description="Address the gRPC server listens on.")
    grpc_port: int = Field(0, ge=0, le=65535, description="Its port; 0: any free one.")


# As SQLAlchemy, nats-py and redis-py take it: passwords need not be quoted but for "@".
_URL: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://"
    r"(?:(?P<name>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<place>[^?]+)(?:\?(?P<options>.*))?"
)


def check_secret_url(url: str, like: str, *, token: bool = False, certificate: str = "") -> None:
    """Raise ValueError, saying nothing of it, if no secret is in ``url``, which is ``like`` that.

    What counts is a password; with ``token`` also a name that stands for one, and with
    ``certificate`` an option by that name: the file of a client certificate.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(f"not {like}")
    if (found["password"] or "").strip() or (token and found["password"] is None and found["name"]):
        return
    if not (certificate and parse_qs(found["options"] or "").get(certificate)):
        raise ValueError(f"without a password: not {like}")


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
            check_secret_url(
                value.get_secret_value(),
                "postgresql://role:password@host:port/name, or …/name?sslcert=file&sslkey=file",
                certificate="sslcert",
            )
        return value


class EventsSettings(_FileAwareSettings):
    """Where NATS JetStream is."""

    nats_url: SecretStr = Field(description="nats://… with this service's own user and password.")
    events_prefix: str = Field(
        "parley", pattern=r"^[a-z0-9_-]{1,64}$", description="First token of every subject."
    )

    @field_validator("nats_url")
    @classmethod
    def _names_credentials(cls, value: SecretStr) -> SecretStr:
        # nats-py goes to each server with the credentials of its own URL.
        for server in value.get_secret_value().split(","):
            check_secret_url(server.strip(), "nats://name:password@host:port", token=True)
        return value


def load_settings(settings: type[AnySettings]) -> AnySettings:
    """Read ``settings`` from the environment, or exit with one line for each bad variable.

    Raises SystemExit with status 2 after having said on standard error what is missing or
    wrong; never shows a value.
    """
    try:
        return settings()
    except ValidationError as error:
        prefix = str(settings.model_config.get("env_prefix", ""))
        for problem in error.errors(include_input=False, include_url=False, include_context=False):
            name = ".".join(str(part) for part in problem["loc"])
            name = name if name.upper().startswith(prefix) else prefix + name
            print(f"settings: {name.upper()}: {problem['msg']}", file=sys.stderr)
        raise SystemExit(2) from None
