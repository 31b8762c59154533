"""The places of a stack's services, each with the process that is there now."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import httpx
import psutil

SERVICES = ("auth_service", "apikey_service", "chat_service", "notes_service", "gateway")


class HasChildren(Protocol):
    def children(self) -> list[psutil.Process]: ...


@dataclass(frozen=True)
class Member:
    """One of a service's places: its ports stay, its process may be started again."""

    stack: HasChildren = field(compare=False, repr=False)
    module: str
    port: int
    metrics_port: int

    @classmethod
    def of(cls, stack: HasChildren, process: psutil.Process) -> "Member":
        module, environment = module_of(process), process.environ()
        prefix = "GATEWAY_" if module == "gateway" else module.removesuffix("service").upper()
        port = "PORT" if module == "gateway" else "GRPC_PORT"
        return cls(
            stack,
            module,
            int(environment[prefix + port]),
            int(environment[f"{prefix}METRICS_PORT"]),
        )

    def __str__(self) -> str:
        return f"{self.module}:{self.port}"

    @property
    def process(self) -> psutil.Process:
        """The process that is there now."""
        for process in serving(self.stack):
            with suppress(psutil.NoSuchProcess, KeyError):
                if Member.of(self.stack, process) == self:
                    return process
        raise AssertionError(f"no {self.module} at {self.port}")

    def is_fit(self) -> bool:
        """Whether it is up, and finds everything it needs up."""
        try:
            answer = httpx.get(
                f"http://127.0.0.1:{self.metrics_port}/readyz", timeout=2, verify=False
            )
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["status"] == "ok"

    def metric(self, name: str, labels: str = "") -> float:
        """The sample of this name with just these labels, as `{name="value"}`; 0 when the process does not answer."""
        try:
            told = httpx.get(
                f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=2, verify=False
            ).text
        except httpx.TransportError:
            return 0.0
        found = re.search(rf"^{name}{re.escape(labels)} (\S+)$", told, re.MULTILINE)
        return float(found[1]) if found else 0.0


def module_of(process: psutil.Process) -> str:
    """The module that ``python -m`` runs there; empty for any other program."""
    words: Sequence[str] = process.cmdline()
    return words[words.index("-m") + 1] if "-m" in words[:-1] else ""


def serving(stack: HasChildren) -> list[psutil.Process]:
    """The processes of services, the gateways among them."""
    found = []
    for child in stack.children():
        # One that was killed a moment ago has no command line any more.
        with suppress(psutil.NoSuchProcess):
            if "serve" in child.cmdline() and module_of(child) in SERVICES:
                found.append(child)
    return found
