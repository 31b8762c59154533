"""Certificates for tests, and channels that show them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Protocol, TypedDict

from chassis.grpc.client import Channel
from chassis.settings import ServiceSettings

#: The names certificates are made for; ``tester`` is on no allow-list.
NAMES = (
    "gateway",
    "auth-service",
    "apikey-service",
    "chat-service",
    "notes-service",
    "tester",
)


class TlsFiles(TypedDict):
    """The three settings that every service has."""

    tls_ca_file: Path
    tls_cert_file: Path
    tls_key_file: Path


#: ``tls_settings("notes-service")``: its certificate as settings.
TlsSettings = Callable[[str], TlsFiles]


def tls_files(certificates: Path, name: str) -> TlsFiles:
    """The files of ``name`` in a folder of certificates; KeyError when there are none."""
    if not (certificates / f"{name}.pem").is_file():
        raise KeyError(name)
    return {
        "tls_ca_file": certificates / "ca.pem",
        "tls_cert_file": certificates / f"{name}.pem",
        "tls_key_file": certificates / f"{name}.key",
    }


class OpenChannel(Protocol):
    """``await grpc_channel(port, "notes-service", as_name="gateway")``: an open channel."""

    def __call__(self, port: int, server: str, as_name: str = "gateway") -> Awaitable[Channel]: ...


async def open_channel(certificates: Path, port: int, server: str, as_name: str) -> Channel:
    """The production client, on loopback, bearing the certificate of ``as_name``."""
    settings = _settings(certificates, as_name)
    channel = Channel(target=f"127.0.0.1:{port}", server=server, settings=settings)
    await channel.start()
    return channel


@asynccontextmanager
async def open_channels(certificates: Path) -> AsyncIterator[OpenChannel]:
    """Opens channels to loopback ports; they are closed behind the block."""
    opened: list[Channel] = []

    async def make(port: int, server: str, as_name: str = "gateway") -> Channel:
        channel = await open_channel(certificates, port, server, as_name)
        opened.append(channel)
        return channel

    try:
        yield make
    finally:
        for channel in opened:
            await channel.stop()


@cache
def _settings(certificates: Path, name: str) -> ServiceSettings:
    return ServiceSettings(**tls_files(certificates, name))
