"""Which processes make up Parley here, and where each of them listens."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from chassis.embedded import free_port
from chassis.nats_accounts import Accounts
from chassis.setting_values import is_port
from parley.events.rights import CONSUMES, OWNER, PUBLISHES


@dataclass(frozen=True, slots=True)
class Member:
    """One deployable: ``database`` is the name its roles and database are made from."""

    name: str
    module: str
    prefix: str
    calls: tuple[str, ...] = ()
    database: str | None = None


AUTH = Member("auth-service", "auth_service", "AUTH_", database="auth")
APIKEY = Member("apikey-service", "apikey_service", "APIKEY_", ("auth",), "apikey")
CHAT = Member("chat-service", "chat_service", "CHAT_", ("auth", "apikey", "notes"), "chat")
NOTES = Member("notes-service", "notes_service", "NOTES_", ("auth",), "notes")
GATEWAY = Member("gateway", "gateway", "GATEWAY_", ("auth", "apikey", "chat", "notes"))

#: The four behind the gateway; they start together.
SERVICES = (AUTH, APIKEY, CHAT, NOTES)
MEMBERS = (*SERVICES, GATEWAY)
#: Who has a user on NATS, and for what.
ACCOUNTS = Accounts(owner=OWNER, publishes=PUBLISHES, consumes=CONSUMES)


_MOST_REPLICAS = 9


class ReplicasProblem(Exception):
    """The counts of processes make no sense; the message is for the terminal."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a member. ``port`` is its gRPC port, the gateway's its HTTP port.

    Hosts are those to connect to, as they stand in a URL.
    """

    member: Member
    label: str
    port: int
    metrics_port: int
    host: str = "127.0.0.1"
    metrics_host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Topology:
    """Every process, placed. Ports stay as they are when a process is started again."""

    instances: tuple[Instance, ...]
    gateway_host: str

    def of(self, member: Member) -> tuple[Instance, ...]:
        return tuple(instance for instance in self.instances if instance.member is member)

    @property
    def gateway_urls(self) -> tuple[str, ...]:
        """Where each gateway is reached; the first at the port that was asked for."""
        return tuple(f"http://{gateway.host}:{gateway.port}" for gateway in self.of(GATEWAY))

    def target(self, database: str) -> str:
        """The gRPC target of the service with this database, all its processes in it."""
        places = [
            f"{instance.host}:{instance.port}"
            for instance in self.instances
            if instance.member.database == database
        ]
        if len(places) == 1:
            return places[0]
        scheme = "ipv6" if places[0].startswith("[") else "ipv4"
        return f"{scheme}:{','.join(places)}"


def lay_out(
    *,
    gateway_host: str,
    gateway_port: int,
    environment: Mapping[str, str],
    replicas: Mapping[str, int] | None = None,
) -> Topology:
    """Choose ports; ``replicas`` counts the processes of a service by name, one by default.

    A port that ``environment`` sets (``AUTH_GRPC_PORT`` and so on) is taken as it is, where
    one process alone would listen there. Raises ReplicasProblem as check_hosts does.
    """
    counts = replicas or {}
    instances = []
    for member in MEMBERS:
        count = counts.get(member.name, 1)
        for number in range(1, count + 1):
            label = member.name if count == 1 else f"{member.name}.{number}"
            metrics_port = _port(environment, f"{member.prefix}METRICS_PORT", count)
            if member is GATEWAY:
                port = gateway_port if number == 1 else free_port(gateway_host)
                host = reached_at(gateway_host)
            else:
                port = _port(environment, f"{member.prefix}GRPC_PORT", count)
                host = _grpc_host(environment, member, count)
            metrics_host = environment.get(f"{member.prefix}METRICS_HOST", "127.0.0.1")
            instances.append(
                Instance(
                    member,
                    label,
                    port,
                    metrics_port,
                    host=host,
                    metrics_host=reached_at(metrics_host),
                )
            )
    return Topology(tuple(instances), gateway_host)


def check_hosts(environment: Mapping[str, str], replicas: Mapping[str, int]) -> None:
    """Raise ReplicasProblem where the processes of a service would listen at a name."""
    for member in SERVICES:
        _grpc_host(environment, member, replicas.get(member.name, 1))


def _grpc_host(environment: Mapping[str, str], member: Member, count: int) -> str:
    variable = f"{member.prefix}GRPC_HOST"
    host = reached_at(environment.get(variable, "127.0.0.1"))
    if count == 1:
        return host
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        # gRPC lists several places by address alone.
        ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ReplicasProblem(
            f"settings: {variable}: {host!r} is no address, and {count} processes of"
            f" {member.name} need one, such as 127.0.0.1 or ::1"
        ) from None
    return host


def reached_at(host: str) -> str:
    """``host`` as it stands in the URL of who listens there."""
    # An address that means every interface is none to connect to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _port(environment: Mapping[str, str], variable: str, count: int) -> int:
    chosen = environment.get(variable, "0")
    if count == 1 and is_port(chosen):
        return int(chosen)
    return free_port()


def parse_replicas(text: str) -> dict[str, int]:
    """``chat-service=2,gateway=2`` as counts by name. Raises ReplicasProblem."""
    names = [member.name for member in MEMBERS]
    counts = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, count = part.partition("=")
        if name not in names or not is_port(count) or not 1 <= int(count) <= _MOST_REPLICAS:
            raise ReplicasProblem(
                f"PARLEY_REPLICAS: {part!r} is not <name>=<1 to {_MOST_REPLICAS}>;"
                f" the names are {', '.join(names)}"
            )
        counts[name] = int(count)
    return counts
