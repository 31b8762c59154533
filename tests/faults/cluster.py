"""The real stack with two of everything: its processes, what they say, and its database."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.client import User
from tests.members import SERVICES, Member, module_of, serving
from tests.stack import Stack

from .proxy import Proxies, Proxy
from .servers import Servers

# Bounds of answers, short enough for hostile models to meet them in a test; a frozen owner's run
# is taken over (15 s) before its model has been silent for too long.
FIRST_TOKEN_SECONDS = 8
IDLE_SECONDS = 25


@dataclass
class Cluster(Stack):
    """Started with servers of its own behind proxies; ``settings`` go to the services."""

    settings: dict[str, str] = field(default_factory=dict)

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
                # Each question of one user has a key of its own, so that its calls are known.
                "APIKEY_KEYS_PER_USER": "1000",
                "CHAT_FIRST_TOKEN_SECONDS": str(FIRST_TOKEN_SECONDS),
                "CHAT_IDLE_SECONDS": str(IDLE_SECONDS),
                "AUTH_ACCESS_TOKEN_SECONDS": "900",
                **self.settings,
            }
        super().start()

    def stop(self) -> int | None:
        code = super().stop()
        self.servers.stop()
        self.proxies.close()
        return code

    # Processes

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
                for process in serving(self)
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
            self.model_url.removesuffix("/v1") + "/counters", timeout=10, verify=False
        ).json()
        return counted

    def calls(self, model: str) -> int:
        """How often the model of this whole name was called."""
        count: int = self.counters()["calls"].get(model, 0)
        return count

    def user(self) -> User:
        """A new user; their client speaks to the first gateway."""
        return User(self.gateways[0])


@asynccontextmanager
async def running(cluster: Cluster, *, readers: int = 8) -> AsyncIterator[Cluster]:
    """The cluster for one test alone, with every process up, and threads for so many readers at once."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(readers))
    try:
        cluster.start()
        await cluster.settle()
        yield cluster
    finally:
        if cluster.process is not None:
            cluster.stop()
