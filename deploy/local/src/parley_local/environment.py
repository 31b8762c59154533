"""What each process finds in its environment: its own settings, and nobody else's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from parley_local.state import State
from parley_local.topology import (
    APIKEY,
    AUTH,
    CHAT,
    GATEWAY,
    MEMBERS,
    SERVICES,
    Instance,
    Topology,
)

_ROLE_VARIABLES = {
    "app": "DATABASE_URL",
    "worker": "WORKER_DATABASE_URL",
    "owner": "OWNER_DATABASE_URL",
}
_PORT_VARIABLES = ("PORT", "GRPC_PORT", "METRICS_PORT")
_OURS = (*(member.prefix for member in MEMBERS), "PARLEY_", "REDIS_URL", "NATS_URL", "DEMO_MODEL_")
# Without compiled files on disk every start would compile half a million lines in each process.
_UNWANTED = ("PYTHONDONTWRITEBYTECODE",)


class EnvironmentProblem(Exception):
    """The environment contradicts itself; the message is for the terminal."""


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One service's database as each of its roles sees it."""

    owner: str
    app: str
    worker: str


@dataclass(frozen=True, slots=True)
class Backends:
    """Where the servers are: ``databases`` and ``nats_urls`` by the name of Member.database."""

    databases: Mapping[str, DatabaseUrls]
    redis_url: str
    nats_urls: Mapping[str, str]


def explicit_databases(environment: Mapping[str, str]) -> dict[str, DatabaseUrls]:
    """The databases that the environment names; raises when it names only a part of one."""
    found = {}
    for member in SERVICES:
        names = {role: member.prefix + name for role, name in _ROLE_VARIABLES.items()}
        given = {role: environment[name] for role, name in names.items() if environment.get(name)}
        if not given:
            continue
        if missing := [name for role, name in names.items() if role not in given]:
            raise EnvironmentProblem(
                f"{', '.join(names[role] for role in given)} is set, so"
                f" {' and '.join(missing)} must be too: the three roles of one database."
            )
        assert member.database is not None
        found[member.database] = DatabaseUrls(**given)
    return found


def explicit_nats(environment: Mapping[str, str]) -> dict[str, str]:
    """By database, the URL with which a service comes to a NATS that the environment names."""
    shared = environment.get("NATS_URL")
    urls = {
        member.database: environment.get(f"{member.prefix}NATS_URL") or shared
        for member in SERVICES
        if member.database is not None
    }
    return {database: url for database, url in urls.items() if url}


def general_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """``inherited`` without what belongs to some service: secrets stay where they are needed."""
    return {k: v for k, v in inherited.items() if not k.startswith(_OURS) and k not in _UNWANTED}


def service_environment(
    instance: Instance,
    *,
    topology: Topology,
    backends: Backends,
    state: State,
    inherited: Mapping[str, str],
) -> dict[str, str]:
    """The whole environment of ``instance``. What ``inherited`` sets for it wins."""
    member = instance.member
    settings = {
        "METRICS_PORT": str(instance.metrics_port),
        "TLS_CA_FILE": str(state.tls / "ca.pem"),
        "TLS_CERT_FILE": str(state.tls / f"{member.name}.pem"),
        "TLS_KEY_FILE": str(state.tls / f"{member.name}.key"),
    }
    for called in member.calls:
        settings[f"{called.upper()}_TARGET"] = topology.target(called)
    if member.database is not None:
        urls = backends.databases[member.database]
        settings |= {
            "GRPC_PORT": str(instance.port),
            "DATABASE_URL": urls.app,
            "WORKER_DATABASE_URL": urls.worker,
            "NATS_URL": backends.nats_urls[member.database],
            "EVENTS_PREFIX": "parley",
        }
    if member is AUTH:
        settings |= {"TENANT": "default"}
        if f"{member.prefix}SIGNING_KEY_FILE" not in inherited:
            settings |= {"SIGNING_KEYS_DIR": str(state.signing_keys)}
    elif member is APIKEY:
        settings |= {"VAULT_KEY_FILE": str(state.vault_key)}
    elif member is CHAT:
        settings |= {
            "REDIS_URL": backends.redis_url,
            "REDIS_PREFIX": "parley",
            # Model servers on this machine: for trying things out, never in a deployment.
            "ALLOWED_HOSTS": json.dumps(["127.0.0.0/8", "::1/128", "localhost"]),
        }
    elif member is GATEWAY:
        settings |= {"HOST": topology.gateway_host, "PORT": str(instance.port)}
    own = {k: v for k, v in inherited.items() if k.startswith(member.prefix)}
    # Only migrations have a use for the owner's password, and they run in the runner.
    own.pop(f"{member.prefix}OWNER_DATABASE_URL", None)
    if len(topology.of(member)) > 1:
        # One port cannot be everybody's: each listens where the topology has placed it.
        for name in _PORT_VARIABLES:
            own.pop(member.prefix + name, None)
    return {
        **general_environment(inherited),
        **{member.prefix + k: v for k, v in settings.items()},
        **own,
    }
