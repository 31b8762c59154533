"""The real stack with two of everything: its processes, what they say, and its database."""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil

from chassis.testing.eventually import eventually
from tests.client import User
from tests.stack import Stack

from .proxy import Proxies, Proxy
from .servers import Servers

SERVICES = ("auth_service", "apikey_service", "chat_service", "notes_service", "gateway")
_READY_SECONDS = 60.0
# Bounds of answers, short enough for hostile models to meet them in a test; a frozen owner's run
# is taken over (15 s) before its model has been silent for too long.
FIRST_TOKEN_SECONDS = 8
IDLE_SECONDS = 25


@dataclass
class Cluster(Stack):
    """Started with servers of its own behind proxies; ``settings`` go to the services."""

    settings: dict[str, str] = field(default_factory=dict)
    gateways: tuple[str, ...] = ()
    _members: "list[Member]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.proxies = Proxies()
        self.servers = Servers(self.directory / "servers", self.proxies)
        #: Ports to which edges lead that do not lead to their member.
        self.detours: dict[int, int] = {}
        #: The gateways' edges to the processes of chat-service.
        self.chat_edges = [
            self.proxies.add(lambda number=number: self._chat_place(number))  # type: ignore[misc]
            for number in range(2)
        ]

    def start(self) -> None:
        if not self.environment:
            chat = ",".join(f"127.0.0.1:{edge.port}" for edge in self.chat_edges)
            self.environment = {
                **self.servers.start(),
                "PARLEY_REPLICAS": ",".join(f"{m.replace('_', '-')}=2" for m in SERVICES),
                "GATEWAY_CHAT_TARGET": f"ipv4:{chat}",
                "CHAT_FIRST_TOKEN_SECONDS": str(FIRST_TOKEN_SECONDS),
                "CHAT_IDLE_SECONDS": str(IDLE_SECONDS),
                "AUTH_ACCESS_TOKEN_SECONDS": "900",
                **self.settings,
            }
        super().start()
        said = self._wait_until_said(r'"gateways": \[([^]]*)\]')
        self.gateways = tuple(re.findall(r'"(http[^"]+)"', said))
        self._members = [Member.of(self, process) for process in self._processes()]
        self._members.sort(key=lambda member: (member.module, member.port))

    def stop(self) -> int:
        code = super().stop()
        self.servers.stop()
        self.proxies.close()
        return code

    def _wait_until_said(self, pattern: str) -> str:
        deadline = time.monotonic() + _READY_SECONDS
        while (found := re.search(pattern, self.output)) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"the runner did not say {pattern}:\n{self.output[-4000:]}")
            time.sleep(0.05)
        return found[1]

    # Processes

    def _processes(self) -> list[psutil.Process]:
        found = []
        for child in self.children():
            with suppress(psutil.NoSuchProcess):
                if "serve" in child.cmdline() and module_of(child) in SERVICES:
                    found.append(child)
        return found

    def members(self, module: str) -> "list[Member]":
        """The two places of a service; which process is there changes with each new start."""
        return [member for member in self._members if member.module == module]

    def gateway(self, url: str) -> "Member":
        """The gateway at this address."""
        port = int(url.rpartition(":")[2])
        return next(member for member in self.members("gateway") if member.port == port)

    def _chat_place(self, number: int) -> tuple[str, int]:
        if number in self.detours:
            return "127.0.0.1", self.detours[number]
        members = self.members("chat_service")
        if not members:  # the gateways connect before everything is up
            places = sorted(
                Member.of(self, process).port
                for process in self._processes()
                if module_of(process) == "chat_service"
            )
            return "127.0.0.1", places[number]
        return "127.0.0.1", members[number].port

    def edge_of(self, chat: "Member") -> Proxy:
        """The edge between the gateways and this process of chat-service."""
        return self.chat_edges[self.members("chat_service").index(chat)]

    def owner(self) -> "Member":
        """The process of chat-service that generates the only live run."""
        (owner,) = [m for m in self.members("chat_service") if m.metric("chat_live_runs") >= 1]
        return owner

    async def settle(self) -> None:
        """Return when every process is up and calls itself fit, its fellows included."""
        for member in self._members:
            await eventually(member.is_fit, timeout=_READY_SECONDS)

    def is_degraded(self) -> bool:
        """Whether the frames of some stream would go by way of PostgreSQL."""
        return any(member.metric("chat_log_degraded") for member in self.members("chat_service"))

    # What is stored, and what the model was asked

    @property
    def redis_url(self) -> str:
        return self.servers.redis.url

    def database_url(self, service: str) -> str:
        return self.servers.database_url(service)

    def counters(self) -> dict[str, Any]:
        """What the model server has counted."""
        counted: dict[str, Any] = httpx.get(
            self.model_url.removesuffix("/v1") + "/counters", timeout=10
        ).json()
        return counted

    def calls(self, model: str) -> int:
        """How often the model of this whole name was called."""
        count: int = self.counters()["calls"].get(model, 0)
        return count

    def user(self) -> User:
        """A new user; their client speaks to the first gateway."""
        return User(self.gateways[0])


@dataclass(frozen=True)
class Member:
    """One of a service's places: its ports stay, its process may be started again."""

    cluster: Cluster = field(compare=False, repr=False)
    module: str
    port: int
    metrics_port: int

    @classmethod
    def of(cls, cluster: Cluster, process: psutil.Process) -> "Member":
        module, environment = module_of(process), process.environ()
        prefix = "GATEWAY_" if module == "gateway" else module.removesuffix("service").upper()
        port = "PORT" if module == "gateway" else "GRPC_PORT"
        return cls(
            cluster,
            module,
            int(environment[prefix + port]),
            int(environment[f"{prefix}METRICS_PORT"]),
        )

    def __str__(self) -> str:
        return f"{self.module}:{self.port}"

    @property
    def process(self) -> psutil.Process:
        """The process that is there now."""
        for process in self.cluster._processes():
            with suppress(psutil.NoSuchProcess, KeyError):
                if Member.of(self.cluster, process) == self:
                    return process
        raise AssertionError(f"no {self.module} at {self.port}")

    def is_fit(self) -> bool:
        """Whether it is up, and finds everything it needs up."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.metrics_port}/readyz", timeout=2)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["status"] == "ok"

    def metric(self, name: str) -> float:
        """The sample of this name without labels; 0 when the process does not answer."""
        try:
            told = httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=2).text
        except httpx.TransportError:
            return 0.0
        found = re.search(rf"^{name} (\S+)$", told, re.MULTILINE)
        return float(found[1]) if found else 0.0


def module_of(process: psutil.Process) -> str:
    """The module that ``python -m`` runs there; empty for any other program."""
    words: Sequence[str] = process.cmdline()
    return words[words.index("-m") + 1] if "-m" in words[:-1] else ""
