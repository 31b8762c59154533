"""What each process finds in its environment: its own settings, and nobody else's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chassis.settings import DatabaseSettings, EventsSettings
from parley_local.address import is_loopback
from parley_local.state import State
from parley_local.topology import (
    APIKEY,
    AUTH,
    CHAT,
    GATEWAY,
    MEMBERS,
    SERVICES,
    Instance,
    Member,
    Topology,
)

#: What a gateway that is reached from this machine alone may offer as model servers.
LOOPBACK_HOSTS = ("127.0.0.0/8", "::1/128", "localhost")
#: Says which instead, whoever reaches the gateway: to chat-service, which connects to them, and to
#: apikey-service, which keeps where they are.
ALLOWED_HOSTS = f"{CHAT.prefix}ALLOWED_HOSTS"
#: Of the services' events, where nothing is set.
EVENTS_PREFIX = "parley"

_ROLE_VARIABLES = {
    "app": "DATABASE_URL",
    "worker": "WORKER_DATABASE_URL",
    "owner": "OWNER_DATABASE_URL",
}
_PORT_VARIABLES = ("PORT", "GRPC_PORT", "METRICS_PORT")
# Each stands for the variable of every service that ends with it.
_SHARED = ("REDIS_URL", "NATS_URL")
_OURS = (*(member.prefix for member in MEMBERS), "PARLEY_", *_SHARED, "DEMO_MODEL_")
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
        for role, name in names.items():
            try:
                DatabaseSettings.check_url(given[role])
            except ValueError as error:
                raise EnvironmentProblem(f"settings: {name}: {error}") from None
        assert member.database is not None
        found[member.database] = DatabaseUrls(**given)
    return found


def explicit_nats(environment: Mapping[str, str]) -> dict[str, str]:
    """By database, the URL with which each service comes to a NATS that the environment names.

    Empty when it names none; raises when it names one for some of the services alone.
    """
    shared = environment.get("NATS_URL")
    urls, given, missing = {}, [], []
    for member in SERVICES:
        assert member.database is not None
        name = f"{member.prefix}NATS_URL"
        if url := environment.get(name) or shared:
            urls[member.database] = url
            given.append(name)
        else:
            missing.append(name)
    # Two servers know nothing of each other's events: deletions would never arrive.
    if given and missing:
        raise EnvironmentProblem(
            f"{', '.join(given)} {'is' if len(given) == 1 else 'are'} set, so"
            f" {' and '.join(missing)} must be too: all services share one NATS."
            " NATS_URL stands for all four."
        )
    return urls


def explicit_events_prefix(environment: Mapping[str, str]) -> str:
    """The prefix of every service's events; raises unless all of them have the same."""
    prefixes = {}
    for member in SERVICES:
        name = f"{member.prefix}EVENTS_PREFIX"
        prefix = environment.get(name, EVENTS_PREFIX)
        try:
            EventsSettings.check_prefix(prefix)
        except ValueError as error:
            raise EnvironmentProblem(f"settings: {name}: {error}") from None
        prefixes[name] = prefix
    if len(set(prefixes.values())) > 1:
        raise EnvironmentProblem(
            f"{', '.join(f'{name} is {prefix}' for name, prefix in prefixes.items())}:"
            " all services share one stream, so the four must be the same"
            f" ({EVENTS_PREFIX} where nothing is set)."
        )
    return prefixes.popitem()[1]


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
    web: Path | None = None,
    connections: Path | None = None,
) -> dict[str, str]:
    """The whole environment of ``instance``. What ``inherited`` sets for it wins.

    ``web`` is the folder of the built pages, ``connections`` the file of those offered to all.
    """
    member = instance.member
    settings = _where_things_are(instance, topology, backends, state)
    if member is AUTH:
        settings |= {"TENANT": "default"}
        if f"{member.prefix}SIGNING_KEY_FILE" not in inherited:
            settings |= {"SIGNING_KEYS_DIR": str(state.signing_keys)}
    elif member is APIKEY:
        if f"{member.prefix}VAULT_KEY" not in inherited:
            settings |= {"VAULT_KEY_FILE": str(state.vault_key)}
        if connections is not None:
            settings |= {"CONNECTIONS_FILE": str(connections)}
        if (hosts := inherited.get(ALLOWED_HOSTS)) is not None:
            settings |= {"ALLOWED_HOSTS": hosts, "ALLOWED_HOSTS_FROM": ALLOWED_HOSTS}
    elif member is CHAT:
        settings |= {
            "REDIS_URL": backends.redis_url,
            "REDIS_PREFIX": "parley",
            "FILES_DIR": str(state.files),
        }
    elif member is GATEWAY:
        settings |= {"HOST": topology.gateway_host, "PORT": str(instance.port)}
        if web is not None:
            settings |= {"WEB_DIR": str(web)}
    if member in (APIKEY, CHAT) and is_loopback(topology.gateway_host):
        # Model servers on this machine: for trying things out, by who sits at it. Others would
        # reach through it whatever listens for this machine alone.
        settings = {"ALLOWED_HOSTS": ",".join(LOOPBACK_HOSTS), **settings}
    own = _set_by_hand(member, topology, inherited)
    if f"{APIKEY.prefix}ALLOWED_HOSTS" in own:
        settings.pop("ALLOWED_HOSTS_FROM", None)
    for name in _SHARED:
        if name in settings and inherited.get(name) and member.prefix + name not in own:
            # What is wrong with it is said of the variable that was set.
            settings[f"{name}_FROM"] = name
    return {
        **general_environment(inherited),
        **{member.prefix + k: v for k, v in settings.items()},
        **own,
    }


def _where_things_are(
    instance: Instance, topology: Topology, backends: Backends, state: State
) -> dict[str, str]:
    """Ports, certificates, the services that it calls, database and events: by names without prefix."""
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
            "EVENTS_PREFIX": EVENTS_PREFIX,
        }
    return settings


def _set_by_hand(
    member: Member, topology: Topology, inherited: Mapping[str, str]
) -> dict[str, str]:
    """What ``inherited`` sets for this member, but for what is not its own to say."""
    own = {k: v for k, v in inherited.items() if k.startswith(member.prefix)}
    # Only migrations have a use for the owner's password, and they run in the runner.
    own.pop(f"{member.prefix}OWNER_DATABASE_URL", None)
    for name in (*_PORT_VARIABLES, "HOST"):
        # "Any port" is what the topology has chosen: the others must know it.
        if own.get(member.prefix + name) in ("", "0"):
            own.pop(member.prefix + name)
    if len(topology.of(member)) > 1:
        # One port cannot be everybody's: each listens where the topology has placed it.
        for name in _PORT_VARIABLES:
            own.pop(member.prefix + name, None)
    return own
