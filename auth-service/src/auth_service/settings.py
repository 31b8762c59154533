"""Settings of auth-service; every variable begins with ``AUTH_``."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from auth_service.domain.emails import email_problem
from auth_service.domain.trust import ACCESS_TOKEN_MAX
from chassis.settings import service_config
from servicekit.settings import DatabaseServiceSettings

NAME: Final = "auth-service"


class Settings(DatabaseServiceSettings):
    """See each field's description."""

    model_config = service_config("AUTH_")

    tenant: str = Field(
        "default",
        min_length=1,
        max_length=64,
        description="Name of the tenant that newcomers join; made by its first use.",
    )
    signing_keys_dir: Path | None = Field(
        None,
        description="Directory of PEM files (PKCS #8, Ed25519): the keys of access tokens, all of"
        " which verify; `rotate-key` writes there. It or the next one is required.",
    )
    signing_key_file: Path | None = Field(
        None, description="One such file, for a key that is never rotated."
    )
    access_token_seconds: int = Field(
        300,
        ge=1,
        le=int(ACCESS_TOKEN_MAX.total_seconds()),
        description="Life of an access token, seconds.",
    )
    refresh_token_days: int = Field(
        30, ge=1, le=365, description="How long an unused login can be resumed, days."
    )
    password_memory_kib: int = Field(
        19_456,
        ge=8,
        le=4_194_304,
        description="Memory that each password's argon2id hash takes, KiB.",
    )
    password_iterations: int = Field(
        2, ge=1, le=100, description="Passes of argon2id over that memory."
    )
    password_parallelism: int = Field(
        1,
        ge=1,
        le=16,
        validate_default=True,
        description="Lanes of argon2id; each needs 8 KiB of that memory.",
    )
    password_workers: int = Field(
        2, ge=1, le=64, description="Password hashes computed at once, a thread each."
    )
    password_queue: int = Field(
        32,
        ge=0,
        le=10_000,
        description="Password hashes that may wait; more are answered with 503 at once.",
    )
    revocation_poll_seconds: float = Field(
        1.0,
        gt=0,
        le=2,
        description="How often revocations by other replicas are looked for, seconds.",
    )
    registrations_per_hour: int = Field(
        100,
        ge=1,
        le=100_000,
        description="Registrations from one address within an hour, failed ones too, at most.",
    )
    logins_per_hour: int = Field(
        100,
        ge=1,
        le=100_000,
        description="Log-ins under one name within an hour, at most; of failed ones fewer.",
    )
    register_with_code: bool = Field(
        False,
        description="Whether registering needs a code that was sent to the e-mail address.",
    )
    codes_per_hour: int = Field(
        1000,
        ge=1,
        # Each is a time in one row of the counters, which is written anew with each.
        le=100_000,
        description="Codes sent within an hour to everybody together, at most.",
    )
    code_queue: int = Field(
        100,
        ge=1,
        le=10_000,
        description="Codes that may wait to be sent; more are answered with 503 at once.",
    )
    code_delay_seconds: float = Field(
        2.0,
        ge=0,
        le=10,
        description="A code leaves a random part of so many seconds after it was asked for, so that"
        " nobody can time whether there was one to send.",
    )
    delivery: Literal["console", "smtp"] = Field(
        "console",
        description="How codes leave: by mail, or as lines of the log, which is for first tries.",
    )
    smtp_host: str | None = Field(
        None, validate_default=True, description="Mail server that codes are handed to."
    )
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="TLS from the first byte, by STARTTLS, or none: for a server beside us.",
    )
    smtp_username: str | None = Field(
        None, min_length=1, description="Name to log in to it with, if it asks."
    )
    smtp_password: SecretStr | None = Field(
        None,
        min_length=1,
        validate_default=True,
        description="Password for that; never sent without TLS.",
    )
    smtp_sender: str | None = Field(
        None, validate_default=True, description="Address that codes are sent from."
    )
    smtp_ca_file: Path | None = Field(
        None, description="PEM file of who signed its certificate, if not the system's authorities."
    )
    smtp_timeout_seconds: float = Field(
        10.0, gt=0, le=60, description="Longest try to hand it a code; there are three."
    )
    erasure_sweep_seconds: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="How often deletions that some service has not confirmed are sent again,"
        " seconds.",
    )
    audit_days: int = Field(
        400, ge=1, le=36_500, description="How long the audit log goes back, days."
    )

    @property
    def signing_keys(self) -> Path | None:
        """Where the keys are; None unless exactly one of the two is set."""
        if self.signing_keys_dir is not None and self.signing_key_file is not None:
            return None
        return self.signing_keys_dir or self.signing_key_file

    @field_validator("password_parallelism")
    @classmethod
    def _has_memory(cls, value: int, info: ValidationInfo) -> int:
        memory = info.data.get("password_memory_kib")
        if memory is not None and memory < 8 * value:
            raise ValueError(
                f"{value} lanes need {8 * value} KiB; AUTH_PASSWORD_MEMORY_KIB is {memory}"
            )
        return value

    @field_validator("smtp_host", "smtp_sender")
    @classmethod
    def _is_required_for_smtp(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("delivery") != "smtp":
            return value
        if not value:
            raise ValueError("needed where AUTH_DELIVERY is smtp")
        if info.field_name == "smtp_sender" and (email_problem(value) or not value.isascii()):
            raise ValueError("not an address in ASCII")
        return value

    @field_validator("smtp_password")
    @classmethod
    def _is_kept_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if (value is None) != (info.data.get("smtp_username") is None):
            raise ValueError("AUTH_SMTP_USERNAME and AUTH_SMTP_PASSWORD go together")
        if value is not None and info.data.get("smtp_security") == "none":
            raise ValueError("would go over the wire as it is: AUTH_SMTP_SECURITY is none")
        return value
