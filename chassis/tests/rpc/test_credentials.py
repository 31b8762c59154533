"""The files of mutual TLS, and the address of the gRPC server, where they are no good."""

from pathlib import Path

import pytest

from chassis.embedded import free_port
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer
from chassis.grpc.trust import TrustStore
from chassis.settings import GrpcServerSettings, UnusableSetting
from chassis.tls import issue


@pytest.fixture
def settings(tmp_path: Path) -> GrpcServerSettings:
    issue(tmp_path, ["one", "two"])
    return GrpcServerSettings(
        tls_ca_file=tmp_path / "ca.pem",
        tls_cert_file=tmp_path / "one.pem",
        tls_key_file=tmp_path / "one.key",
    )


def server_of(settings: GrpcServerSettings) -> GrpcServer:
    return GrpcServer(
        settings=settings,
        policy={},
        register=lambda _server: None,
        verifier=TokenVerifier(TrustStore()),
    )


@pytest.mark.parametrize(
    ("field", "name", "problem"),
    [
        ("tls_ca_file", "absent", "No such file or directory"),
        ("tls_cert_file", "folder", "Is a directory"),
        ("tls_ca_file", "one.key", "no certificate in PEM"),
        ("tls_cert_file", "junk", "no certificate in PEM"),
        ("tls_key_file", "junk", "no private key in PEM"),
        ("tls_key_file", "two.key", "not the key of this service's certificate"),
    ],
)
async def test_a_file_of_tls_that_is_no_good_is_named_by_its_variable(
    field: str, name: str, problem: str, settings: GrpcServerSettings, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "junk").write_bytes(b"\xff junk")
    bad = settings.model_copy(update={field: tmp_path / name})
    with pytest.raises(UnusableSetting, match=f"^settings: {field.upper()}: {problem}"):
        await server_of(bad).start()
    with pytest.raises(UnusableSetting, match=f"^settings: {field.upper()}: {problem}"):
        await Channel(target="127.0.0.1:1", server="one", settings=bad).start()


async def test_an_address_of_grpc_that_cannot_be_had_is_named_by_its_variable(
    settings: GrpcServerSettings,
) -> None:
    first = server_of(settings.model_copy(update={"grpc_port": free_port()}))
    await first.start()
    try:
        taken = server_of(settings.model_copy(update={"grpc_port": first.port}))
        with pytest.raises(UnusableSetting, match=rf"GRPC_PORT: port {first.port} is taken"):
            await taken.start()
    finally:
        await first.stop()
    nowhere = server_of(settings.model_copy(update={"grpc_host": "no.such.host.invalid"}))
    with pytest.raises(UnusableSetting, match="GRPC_HOST: not an address to listen on here"):
        await nowhere.start()


async def test_grpc_listens_on_an_ipv6_address(settings: GrpcServerSettings) -> None:
    server = server_of(settings.model_copy(update={"grpc_host": "::1"}))
    await server.start()
    channel = Channel(target=f"[::1]:{server.port}", server="one", settings=settings)
    await channel.start()
    try:
        await channel.probe()
    finally:
        await channel.stop()
        await server.stop()
