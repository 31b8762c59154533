"""The settings that services have in common, above those of every process."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from chassis.address_policy import AddressPolicy
from chassis.setting_values import Target, one_network
from chassis.settings import DatabaseSettings, EventsSettings, GrpcServerSettings


class DatabaseServiceSettings(GrpcServerSettings, DatabaseSettings, EventsSettings):
    """A gRPC server, a database and NATS."""


class UserServiceSettings(DatabaseServiceSettings):
    """Those of a service that keeps what users own, and learns from auth-service who they are."""

    auth_target: Target = Field(description="host:port of auth-service: keys and revocations.")


def _one_host(entry: str) -> str:
    # A network that is misspelt would be taken for a name, and open nothing.
    if "/" in entry or ":" in entry:
        one_network(entry)
    elif not re.fullmatch(r"[\w-]+(\.[\w-]+)*\.?", entry):
        raise ValueError("neither a host name nor a network such as 10.0.0.0/8")
    return entry


Host = Annotated[str, AfterValidator(_one_host)]


class NamedServersSettings(UserServiceSettings):
    """Those of a service whose users name servers: who keeps a URL, and who connects to it."""

    allowed_hosts: tuple[Host, ...] = Field(
        (),
        description="Host names and CIDRs that model servers may have although their addresses "
        "are not public, such as 127.0.0.0/8,localhost. apikey-service and chat-service have the "
        "same: one refuses to keep an address, the other to connect to it.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _names_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        AddressPolicy(value)
        return value
