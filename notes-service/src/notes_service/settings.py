"""What the notes service is told by its environment: variables ``NOTES_…``."""

from pydantic import Field

from chassis.settings import (
    DatabaseSettings,
    EventsSettings,
    GrpcServerSettings,
    service_config,
)


class Settings(GrpcServerSettings, DatabaseSettings, EventsSettings):
    model_config = service_config("NOTES_")

    auth_target: str = Field(description="host:port of auth-service: keys and revocations.")
