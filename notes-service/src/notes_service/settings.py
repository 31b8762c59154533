"""What the notes service is told by its environment: variables ``NOTES_…``."""

from pydantic import Field

from chassis.setting_values import Target
from chassis.settings import (
    DatabaseSettings,
    EventsSettings,
    GrpcServerSettings,
    service_config,
)


class Settings(GrpcServerSettings, DatabaseSettings, EventsSettings):
    model_config = service_config("NOTES_")

    auth_target: Target = Field(description="host:port of auth-service: keys and revocations.")
