"""A stack whose services are found by name, so that replicas can be added while it runs."""

import signal
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from chassis.embedded import free_port
from chassis.testing import NameServer, eventually
from tests.forkserver.processes import start
from tests.stack import Stack

#: What each service calls; the gateway calls all four.
CALLS = {"auth": (), "apikey": ("auth",), "chat": ("auth", "apikey"), "notes": ("auth",)}
_READY_SECONDS = 120.0
# A replica of a service is at the same port as the others: only its address is its own.
_FIRST, _SECOND = "127.0.0.1", "127.0.0.2"


@dataclass
class NamedStack(Stack):
    """Every edge of gRPC leads to a name. ``age`` is that of connections, seconds, if not the
    default.
    """

    age: float | None = None
    names: NameServer = field(
        default_factory=lambda: NameServer({f"{name}-service": [_FIRST] for name in CALLS})
    )
    _added: list[psutil.Process] = field(default_factory=list)

    def start(self) -> None:
        ports = {name: free_port() for name in CALLS}
        for name, port in ports.items():
            self.environment[f"{name.upper()}_GRPC_PORT"] = str(port)
            if self.age is not None:
                self.environment[f"{name.upper()}_GRPC_CONNECTION_AGE_SECONDS"] = str(self.age)
        for caller, called in {**CALLS, "gateway": tuple(CALLS)}.items():
            for name in called:
                target = self.names.target(f"{name}-service", ports[name])
                self.environment[f"{caller.upper()}_{name.upper()}_TARGET"] = target
        super().start()

    def stop(self) -> int | None:
        for process in self._added:
            with suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait()
        try:
            return super().stop()
        finally:
            self.names.close()

    def first(self, name: str) -> "Replica":
        """The process of ``chat`` or another that the stack has started with."""
        process = self.service(f"{name}_service")
        port = process.environ()[f"{name.upper()}_METRICS_PORT"]
        return Replica(name, process, int(port), self.names)

    async def prepare(self, name: str) -> "Replica":
        """A second process of the service, ready, and not yet named."""
        first, metrics_port = self.service(f"{name}_service"), free_port()
        environment = {
            **first.environ(),
            f"{name.upper()}_GRPC_HOST": _SECOND,
            f"{name.upper()}_METRICS_PORT": str(metrics_port),
        }
        with (self.directory / f"second-{name}").open("wb") as log:
            process = start(
                ["-m", f"{name}_service", "serve"], environment, log, death_signal=signal.SIGKILL
            )
        self._added.append(process)
        replica = Replica(name, process, metrics_port, self.names)
        await eventually(replica.is_fit, timeout=_READY_SECONDS)
        return replica


@dataclass(frozen=True)
class Replica:
    """One process of a service."""

    name: str
    process: psutil.Process
    metrics_port: int
    names: NameServer = field(repr=False)

    def alone(self) -> None:
        """Let the name lead here and nowhere else."""
        self.names.addresses[f"{self.name}-service"] = [_SECOND]

    def announce(self) -> None:
        """Let the name lead here as well."""
        self.names.addresses[f"{self.name}-service"] = [_FIRST, _SECOND]

    def renounce(self) -> None:
        """Let the name not lead here any more."""
        self.names.addresses[f"{self.name}-service"] = [_FIRST]

    @property
    def _probes(self) -> str:
        return f"http://127.0.0.1:{self.metrics_port}"

    def is_fit(self) -> bool:
        """Whether it is up, and finds everything it needs up."""
        assert self.process.is_running()
        try:
            answer = httpx.get(f"{self._probes}/readyz", timeout=2, verify=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["status"] == "ok"

    def served(self, method: str) -> int:
        """How many calls of this method it has answered well."""
        told = httpx.get(f"{self._probes}/metrics", timeout=10, verify=False).text
        return sum(
            int(sample.value)
            for family in text_string_to_metric_families(told)
            for sample in family.samples
            if sample.name == "grpc_server_handled_total"
            and sample.labels["method"].endswith(f"/{method}")
            and sample.labels["code"] == "OK"
        )
