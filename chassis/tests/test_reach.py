"""When what is away is news."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from structlog.testing import capture_logs

from chassis.embedded import free_port
from chassis.errors import AppError
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer, allow
from chassis.grpc.trust import TrustStore
from chassis.reach import START_SECONDS, Reach
from chassis.settings import GrpcServerSettings
from chassis.testing.eventually import eventually
from chassis.tls import issue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reach(clock: Clock) -> Reach:
    return Reach("peer.away", "peer.back", clock=clock, peer="notes-service")


def test_what_is_away_at_the_start_is_a_warning_only_when_it_stays_so(
    reach: Reach, clock: Clock
) -> None:
    with capture_logs() as said:
        for _ in range(10):
            reach.failed("refused")
            clock.now += START_SECONDS / 10 - 0.01
    assert {line["log_level"] for line in said} <= {"debug"}
    clock.now = 100.0 + START_SECONDS
    with capture_logs() as said:
        reach.failed("refused")
        reach.failed("refused")
        reach.succeeded()
    assert said[0] == {
        "event": "peer.away",
        "log_level": "warning",
        "peer": "notes-service",
        "error": "refused",
        "seconds": START_SECONDS,
    }
    assert [(line["event"], line["log_level"]) for line in said[1:]][-1] == ("peer.back", "info")
    assert [line for line in said[1:-1] if line["log_level"] != "debug"] == []


def test_what_comes_within_the_start_is_nothing_to_tell(reach: Reach) -> None:
    with capture_logs() as said:
        reach.failed("refused")
        reach.succeeded()
        reach.failed("one call that was late to fail")
        reach.succeeded()
    assert {line["log_level"] for line in said} <= {"debug"}


def test_a_later_outage_is_told_of_at_once_and_once_with_each_of_its_causes(
    reach: Reach, clock: Clock
) -> None:
    reach.succeeded()
    clock.now += START_SECONDS
    with capture_logs() as said:
        for error in ("refused", "refused", "", "not the name", "refused", "third", "fourth"):
            reach.failed(error)
        reach.succeeded()
        reach.succeeded()
        reach.failed("refused")
    told = [(line["event"], line.get("error")) for line in said if line["log_level"] != "debug"]
    assert told == [
        ("peer.away", "refused"),
        ("peer.away", "not the name"),
        ("peer.away", "third"),
        ("peer.back", None),
        ("peer.away", "refused"),
    ]


def settings(directory: Path, name: str, port: int = 0) -> GrpcServerSettings:
    return GrpcServerSettings(
        tls_ca_file=directory / "ca.pem",
        tls_cert_file=directory / f"{name}.pem",
        tls_key_file=directory / f"{name}.key",
        grpc_port=port,
    )


async def echo(request: bytes, _context: object) -> bytes:
    return request


def register(server: grpc.aio.Server) -> None:
    handlers: dict[str, Any] = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_registered_method_handlers("test.Test", handlers)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", handlers),))


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[tuple[GrpcServer, int]]:
    """A server that is still to be started, and its port."""
    issue(tmp_path, ["gateway", "test-service"])
    port = free_port()
    server = GrpcServer(
        settings=settings(tmp_path, "test-service", port),
        policy={"test.Test": {"Echo": allow("gateway", open=True)}},
        register=register,
        verifier=TokenVerifier(TrustStore()),
    )
    yield server, port
    await server.stop()


@pytest.mark.parametrize(("patience", "levels"), [(3600.0, set()), (0.0, {"warning", "info"})])
async def test_a_channel_tells_that_its_peer_is_away_and_back_unless_it_has_only_just_started(
    patience: float, levels: set[str], peer: tuple[GrpcServer, int], tmp_path: Path
) -> None:
    server, port = peer
    channel = Channel(
        target=f"127.0.0.1:{port}",
        server="test-service",
        settings=settings(tmp_path, "gateway"),
        patience=patience,
    )
    await channel.start()
    method: Any = channel.channel.unary_unary("/test.Test/Echo")

    async def call() -> bool:
        answer: bytes = await channel.unary(method, b"hello", timeout=30)
        return answer == b"hello"

    with capture_logs() as said:
        for _ in range(3):
            with pytest.raises(AppError):
                await call()
        await server.start()
        await eventually(call, timeout=30, ignoring=(AppError,))
        async with asyncio.timeout(30):
            await channel.probe()
    await channel.stop()
    told = [line for line in said if line["event"].startswith("peer.")]
    assert {line["log_level"] for line in told} - {"debug"} == levels
    if levels:
        first, *_, last = (line for line in told if line["log_level"] != "debug")
        assert (first["event"], first["peer"]) == ("peer.away", "test-service")
        assert "Connection refused" in first["error"]
        assert last["event"] == "peer.back"


async def test_a_health_check_that_waits_for_a_peer_tells_once_that_it_is_away(
    peer: tuple[GrpcServer, int], tmp_path: Path
) -> None:
    server, port = peer
    channel = Channel(
        target=f"127.0.0.1:{port}",
        server="test-service",
        settings=settings(tmp_path, "gateway"),
        patience=0.0,
    )
    await channel.start()
    with capture_logs() as said:

        def told(event: str) -> list[Any]:
            return [line for line in said if line["event"] == event]

        probing = asyncio.create_task(channel.probe())
        await eventually(lambda: told("peer.away"))
        assert not probing.done()
        await server.start()
        async with asyncio.timeout(30):
            await probing
    await channel.stop()
    assert [line["peer"] for line in told("peer.away") if line["log_level"] == "warning"] == [
        "test-service"
    ]
    assert [line["peer"] for line in told("peer.back")] == ["test-service"]
