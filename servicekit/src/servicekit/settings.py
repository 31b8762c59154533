"""The settings that services have in common, above those of every process."""

from pydantic import Field

from chassis.setting_values import Target
from chassis.settings import DatabaseSettings, EventsSettings, GrpcServerSettings


class DatabaseServiceSettings(GrpcServerSettings, DatabaseSettings, EventsSettings):
    """A gRPC server, a database and NATS."""


class UserServiceSettings(DatabaseServiceSettings):
    """Those of a service that keeps what users own, and learns from auth-service who they are."""

    auth_target: Target = Field(description="host:port of auth-service: keys and revocations.")
