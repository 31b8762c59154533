"""The gateway's settings: every variable begins with ``GATEWAY_``."""

from pathlib import Path
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from chassis.setting_values import Network, Target
from chassis.settings import ServiceSettings, service_config


def _one_origin(origin: str) -> str:
    scheme, separator, host = origin.partition("://")
    if scheme not in ("http", "https") or not separator or not host or set(host) & set("/*?#@ "):
        raise ValueError("an origin is scheme://host[:port], without a path or a wildcard")
    return origin.lower()


# What gRPC carries to a service at once: a larger body could be taken, and not be handed on.
_CARRIED_BYTES: Final = 16 * 1024 * 1024
# No process of Linux has more file descriptors, unless fs.nr_open was raised.
_DESCRIPTORS: Final = 1_048_576
# More than the memory of machines that this runs on: what is larger is a slip of the finger.
_MEMORY_BYTES: Final = 1024**4

Origin = Annotated[str, AfterValidator(_one_origin)]


class Settings(ServiceSettings):
    """Where the gateway listens, whom it speaks to, and its bounds."""

    model_config = service_config("GATEWAY_")
    listens_at: ClassVar = (*ServiceSettings.listens_at, ("host", "port"))

    host: str = Field("127.0.0.1", min_length=1, description="Address the REST API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Its port; 0: any free one.")
    web_dir: Path | None = Field(
        None,
        description="Folder of the built pages, which are read at the start and served to browsers; "
        "none, or an empty one: the API alone.",
    )

    auth_target: Target = Field(description="host:port of auth-service.")
    apikey_target: Target = Field(description="host:port of apikey-service.")
    chat_target: Target = Field(description="host:port of chat-service.")
    notes_target: Target = Field(description="host:port of notes-service.")

    auth_deadline_seconds: float = Field(
        5.0, gt=0, le=120, description="Longest call to auth-service."
    )
    auth_hashing_deadline_seconds: float = Field(
        15.0,
        gt=0,
        le=120,
        description="Longest call to auth-service that hashes a password; these wait in line.",
    )
    apikey_deadline_seconds: float = Field(
        5.0, gt=0, le=120, description="Longest call to apikey-service."
    )
    chat_deadline_seconds: float = Field(
        5.0, gt=0, le=120, description="Longest call to chat-service, streams excepted."
    )
    chat_trying_deadline_seconds: float = Field(
        30.0,
        gt=0,
        le=120,
        description="Longest call to chat-service that calls a model server to try a connection, "
        "which takes 20 s at most.",
    )
    chat_silence_seconds: float = Field(
        30.0,
        gt=0,
        le=600,
        description="Longest wait for the next piece of a file that chat-service sends, or for it to take one.",
    )
    chat_upload_deadline_seconds: float = Field(
        120.0,
        gt=0,
        le=600,
        description="Longest wait for an upload that has come to be kept: chat-service reads the file, for "
        "60 s at most, and 30 s at most behind others.",
    )
    notes_deadline_seconds: float = Field(
        5.0, gt=0, le=120, description="Longest call to notes-service."
    )
    accept_seconds: float = Field(
        10.0,
        gt=0,
        le=120,
        description="Longest wait for a question to be accepted; before that "
        "it waits half as long in line behind others of its user.",
    )

    cors_origins: tuple[Origin, ...] = Field(
        (), description="Web origins that may call, such as https://app.example,https://b.example."
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (),
        description="Networks whose X-Forwarded-* headers are believed, such as 10.0.0.1,10.1.0.0/16.",
    )

    # Each has room for the largest text that is legal, every character of it an emoji that is
    # written as two escapes of six bytes each: 100,000 of a note, 32,000 of a question.
    body_limit_bytes: int = Field(
        1280 * 1024,
        ge=1024,
        le=_CARRIED_BYTES,
        description="Largest request body, bytes as they come. A character may come as 12 bytes.",
    )
    body_seconds: float = Field(
        25.0, gt=0, le=600, description="Longest time a request body may take to come."
    )
    body_bytes_per_second: int = Field(
        500,
        ge=0,
        # Whoever is on a slow line sends no faster, and would be refused with everything.
        le=1024 * 1024,
        description="A request body that comes more slowly is given up; 0: none for that.",
    )
    body_window_seconds: float = Field(
        10.0, gt=0, le=600, description="Over so long that rate is taken: the longest pause."
    )
    upload_seconds: float = Field(
        3600.0,
        gt=0,
        le=86_400,
        description="Longest time that an upload of a file may take to come; it may be as slow as any "
        "other body.",
    )
    body_held_bytes: int = Field(
        24 * 1024 * 1024,
        ge=64 * 1024,
        le=_MEMORY_BYTES,
        description="Bytes of request bodies in memory at once. A quarter is for bodies of up to "
        "16 KiB alone.",
    )
    body_held_bytes_per_client: int = Field(
        8 * 1024 * 1024,
        ge=64 * 1024,
        le=_MEMORY_BYTES,
        description="Of these, from one address; an IPv6 network of 64 bits is one.",
    )
    head_limit_bytes: int = Field(
        64 * 1024,
        ge=4096,
        # Every connection may hold so much, before anybody has said who they are.
        le=1024 * 1024,
        description="Largest request line with all its headers, bytes.",
    )
    head_seconds: float = Field(
        20.0, gt=0, le=600, description="Longest time a client may take to send them."
    )
    keep_alive_seconds: int = Field(
        30, ge=1, le=3600, description="How long an idle connection is kept."
    )
    unread_seconds: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="A client that reads nothing of what it was answered for so long is dropped; its "
        "run goes on.",
    )
    heartbeat_seconds: float = Field(
        5.0, gt=0, le=60, description="A silent event stream gets a comment after so long."
    )

    event_streams_per_user: int = Field(
        100,
        ge=1,
        le=_DESCRIPTORS,
        description="Event streams of one user, open at once in one process.",
    )
    sockets: int = Field(
        15_000, ge=1, le=_DESCRIPTORS, description="WebSockets open at once in one process."
    )
    sockets_per_user: int = Field(50, ge=1, le=_DESCRIPTORS, description="Of these, of one user.")
    socket_auth_seconds: float = Field(
        5.0, gt=0, le=60, description="Longest wait for a WebSocket's first frame, its token."
    )
    socket_idle_seconds: float = Field(
        900.0,
        gt=0,
        le=86_400,
        description="A WebSocket that follows no run and sends nothing is closed after so long.",
    )
    socket_heartbeat_seconds: float = Field(
        20.0,
        gt=0,
        le=600,
        description="A silent WebSocket is pinged after so long, and dropped if it never answers.",
    )
    socket_frame_bytes: int = Field(
        512 * 1024,
        ge=1024,
        le=_CARRIED_BYTES,
        description="Largest message of a WebSocket's client, bytes. A character may come as 12.",
    )
    socket_follows: int = Field(
        32, ge=1, le=1000, description="Runs that one WebSocket may follow at once."
    )

    @field_validator("web_dir", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        # Path("") is the folder that the process happens to be in.
        return None if value == "" else value

    @field_validator("body_held_bytes", "body_held_bytes_per_client")
    @classmethod
    def _a_large_body_has_room(cls, held: int, others: ValidationInfo) -> int:
        largest = others.data.get("body_limit_bytes")
        if largest is not None and largest > held - held // 4:
            raise ValueError(
                f"three quarters of it must hold a body of GATEWAY_BODY_LIMIT_BYTES, {largest}"
            )
        return held
