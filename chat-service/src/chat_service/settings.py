"""What an operator may set: variables that begin with CHAT_."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, field_validator

from chassis.setting_values import Target, check_secret_url
from chassis.settings import service_config
from chat_service.files.domain.attachment import MOST_PICTURE_BYTES
from chat_service.imports.settings import ImportSettings
from chat_service.prompt.budget import LEAST_CONTEXT
from chat_service.runs.domain.retention import (
    MOST_DAYS,
    MOST_DELETED_DAYS,
    MOST_TEMPORARY_HOURS,
    Retention,
)
from chat_service.streaming.cache.bounds import CacheBounds
from parley.bounds import QUESTION
from servicekit.settings import NamedServersSettings

NAME: Final = "chat-service"


def _tenant_days(entry: str) -> tuple[UUID, int]:
    """Raises ValueError, which shows nothing of the entry."""
    tenant, _, days = entry.partition("=")
    try:
        read = UUID(tenant.strip()), int(days)
    except ValueError:
        raise ValueError("it is a tenant's id, `=` and a number of days") from None
    if not 1 <= read[1] <= MOST_DAYS:
        raise ValueError(f"days are from 1 to {MOST_DAYS}")
    return read


def _one_tenants_days(entry: str) -> str:
    _tenant_days(entry)
    return entry


TenantDays = Annotated[str, AfterValidator(_one_tenants_days)]


class Settings(NamedServersSettings, ImportSettings):
    """The chat service's settings."""

    model_config = service_config("CHAT_")

    apikey_target: Target = Field(description="host:port of apikey-service's gRPC.")

    notes_target: Target | None = Field(
        None,
        description="host:port of notes-service's gRPC, for notes in files that are imported; none: they are left "
        "out.",
    )

    redis_url: SecretStr = Field(description="redis://… with credentials: the logs of runs.")
    redis_prefix: str = Field(
        "parley",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="First part of every Redis key, of this Parley alone.",
    )

    provider_connections: int = Field(
        2000, ge=1, le=100_000, description="Simultaneous connections to model servers."
    )
    provider_connections_per_host: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Of those, at most so many to one host and port: what a server that never "
        "answers can take away from all others.",
    )
    first_token_seconds: float = Field(
        180.0,
        gt=0,
        le=3600,
        description="How long a model may take to begin its answer, seconds.",
    )
    idle_seconds: float = Field(
        120.0,
        gt=0,
        le=3600,
        description="How long a model may fall silent within an answer, seconds.",
    )
    total_seconds: float = Field(
        # All that time its text is in Redis alone.
        900.0,
        gt=0,
        le=86_400,
        description="How long an answer may take in all, seconds.",
    )
    answer_bytes: int = Field(
        1024 * 1024,
        ge=1,
        # In a frame a byte may become six, and gRPC carries 16 MiB at once.
        le=2 * 1024 * 1024,
        description="Most text of one answer, thinking included, bytes.",
    )
    flush_seconds: float = Field(
        0.04, ge=0.005, le=1, description="Time between two updates of a stream, seconds."
    )

    runs_per_user: int = Field(
        50,
        ge=1,
        # Of one user; so many connections to model servers there are for all of them together.
        le=100_000,
        description="Answers that one user may have generated at once; a few more if they begin "
        "at the same moment.",
    )
    content_characters: int = Field(
        QUESTION.maximum,
        ge=1,
        le=1_000_000,
        description="Longest question, characters; the gateway's GATEWAY_BODY_LIMIT_BYTES and "
        "GATEWAY_SOCKET_FRAME_BYTES have to have room for twelve bytes each.",
    )
    window_messages: int = Field(
        20,
        ge=0,
        le=1000,
        description="Most earlier messages that a model is shown: in pairs of a question and its "
        "answer, so that an odd one is not used.",
    )
    window_characters: int = Field(
        200_000,
        ge=1,
        # No model reads more.
        le=10_000_000,
        description="Most characters that a model is shown, the question included, which itself is "
        "always shown whole: they are read from the database for each question, and held in memory "
        "while it is answered.",
    )
    context_tokens: int = Field(
        32_768,
        ge=LEAST_CONTEXT,
        le=100_000_000,
        description="What a model takes in all, question and answer included, tokens: of a model whose "
        "server does not say. A conversation that is longer is shown to it in part.",
    )

    deleted_days: int = Field(
        30,
        ge=0,
        le=MOST_DELETED_DAYS,
        description="How long a deleted conversation can be restored, days; then it is purged.",
    )
    temporary_hours: int = Field(
        24,
        ge=1,
        le=MOST_TEMPORARY_HOURS,
        description="How long behind its last activity a temporary conversation is kept, hours.",
    )
    retention_days: int = Field(
        0,
        ge=0,
        le=MOST_DAYS,
        description="How long behind its last activity any other conversation is kept, days, unless "
        "it is pinned; 0: for ever.",
    )

    retention_tenants: tuple[TenantDays, ...] = Field(
        (),
        description="The same for conversations of some tenants: the tenant's id, `=` and days from 1 "
        "to 36500, such as 0192f0c1-a7e4-7d5f-8a3e-2b6c9d1f4e70=90. The shortest counts of this, of "
        "what holds for all, and of what a user has set.",
    )

    retention_file: Path | None = Field(
        None,
        description="How long conversations are kept, in YAML, where it says anything else than the four above; read "
        "anew when it changes and at SIGHUP. What is in it: docs/operations.md.",
    )

    personas_file: Path | None = Field(
        None,
        description="The personas that the operator offers to users, in YAML; read anew when it "
        "changes and at SIGHUP. What is in it: docs/operations.md.",
    )
    personas_per_user: int = Field(
        100, ge=0, le=10_000, description="Personas that a user may have of their own."
    )
    shares_per_user: int = Field(
        1000,
        ge=0,
        le=100_000,
        description="Shares that a user may have, each with a copy of what it shows; 0: nobody shares anything.",
    )

    cache_hours: int = Field(
        24,
        ge=0,
        le=720,
        description="How long an answer is kept for the same question of the same user, where that is asked "
        "for, hours; 0: none is kept.",
    )
    cache_answer_bytes: int = Field(
        64 * 1024,
        ge=1024,
        le=1024 * 1024,
        description="Longest answer that is kept so, bytes.",
    )
    cache_user_bytes: int = Field(
        1024 * 1024,
        ge=2048,
        le=1024 * 1024 * 1024,
        description="Most bytes of answers that are kept of one user; the oldest make room.",
    )
    cache_bytes: int = Field(
        64 * 1024 * 1024,
        ge=2048,
        le=1024 * 1024 * 1024 * 1024,
        description="The same of all users: Redis, which has the logs of runs as well, is to have room for it.",
    )

    words_file: Path | None = Field(
        None,
        description="Words that are masked or refused in what people write and models answer, in YAML; read "
        "anew when it changes and at SIGHUP. What is in it: docs/operations.md.",
    )

    usage_file: Path | None = Field(
        None,
        description="What models cost, and how much of them users may use, in TOML; read anew when it "
        "changes and at SIGHUP. What is in it: docs/operations.md.",
    )

    @property
    def cache_bounds(self) -> CacheBounds:
        """How long answers are kept, and how much of them."""
        return CacheBounds(
            seconds=self.cache_hours * 3600,
            answer_bytes=self.cache_answer_bytes,
            user_bytes=self.cache_user_bytes,
            all_bytes=self.cache_bytes,
        )

    files_dir: Path | None = Field(
        None,
        description="Folder in which what users upload is kept, shared by all replicas; none, or an "
        "empty one: no files are kept, unless CHAT_FILES_FILE says where.",
    )
    files_file: Path | None = Field(
        None,
        description="On what terms files are kept, in YAML: how large they may be, of which kinds, how "
        "much of a user's, in which folder or bucket; read anew when it changes and at SIGHUP. What is in "
        "it: docs/operations.md.",
    )

    picture_bytes: int = Field(
        128_000_000,
        ge=MOST_PICTURE_BYTES,
        le=100_000_000_000,
        description="Bytes of pictures that this process has on their way to models at once, until they begin to "
        "answer; it takes some four times that in memory. A question waits 5 s for room, and is refused with "
        "PICTURES_BUSY then.",
    )

    @field_validator("files_dir", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        # Path("") is the folder that the process happens to be in.
        return None if value == "" else value

    @property
    def retention(self) -> Retention:
        """How long conversations are kept, unless the file says otherwise."""
        return Retention(
            deleted=timedelta(days=self.deleted_days),
            temporary=timedelta(hours=self.temporary_hours),
            everything=timedelta(days=self.retention_days) if self.retention_days else None,
            tenants=dict(map(_tenant_days, self.retention_tenants)),
        )

    @field_validator("retention_tenants")
    @classmethod
    def _names_each_tenant_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(dict(map(_tenant_days, value))) < len(value):
            raise ValueError("a tenant is named twice")
        return value

    @field_validator("redis_url")
    @classmethod
    def _names_redis_password(cls, value: SecretStr) -> SecretStr:
        check_secret_url(
            value.get_secret_value(),
            "redis://:password@host:port/number",
            ("redis", "rediss", "unix"),
        )
        return value
