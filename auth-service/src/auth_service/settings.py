"""What auth-service is told by its environment; every variable begins with ``AUTH_``."""

from pathlib import Path

from pydantic import Field

from auth_service.domain.trust import ACCESS_TOKEN_MAX
from chassis.settings import (
    DatabaseSettings,
    EventsSettings,
    GrpcServerSettings,
    service_config,
)


class Settings(GrpcServerSettings, DatabaseSettings, EventsSettings):
    """See each field's description."""

    model_config = service_config("AUTH_")

    tenant: str = Field(
        "default",
        min_length=1,
        max_length=64,
        description="Name of the tenant that newcomers join; made by its first use.",
    )
    signing_key_file: Path = Field(
        description="PEM file (PKCS #8, Ed25519) of the key that signs access tokens."
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
    password_parallelism: int = Field(1, ge=1, le=16, description="Lanes of argon2id.")
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
    erasure_sweep_seconds: float = Field(
        60.0,
        gt=0,
        le=86_400,
        description="How often deletions that some service has not confirmed are sent again,"
        " seconds.",
    )
    audit_days: int = Field(
        400, ge=1, le=36_500, description="How long the audit trail goes back, days."
    )
