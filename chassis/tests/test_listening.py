"""Addresses that settings name, as a check and as a start find them."""

import socket

import pytest

from chassis.listening import check_addresses, listen
from chassis.settings import GrpcServerSettings, UnusableSetting, load_settings, service_config


class Settings(GrpcServerSettings):
    model_config = service_config("TEST_")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CA", "CERT", "KEY"):
        monkeypatch.setenv(f"TEST_TLS_{name}_FILE", f"/{name}")


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost", "127.0.0.1", "127.0.0.9", "::1"])
def test_an_address_of_this_machine_is_listened_at(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ":" in host and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    monkeypatch.setenv("TEST_GRPC_HOST", host)
    settings = load_settings(Settings)
    check_addresses(settings)
    with listen(settings, "grpc_host", "grpc_port", backlog=1) as opened:
        assert opened.getsockname()[0] == ("127.0.0.1" if host == "localhost" else host)


@pytest.mark.parametrize("field", ["grpc_host", "metrics_host"])
@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("no-such-host.invalid", ""),
        ("192.0.2.1", "Cannot assign requested address"),
        ("a..b", "no host can have this name"),
        ("x" * 64, "no host can have this name"),
    ],
)
def test_what_is_no_address_of_this_machine_is_said_by_name(
    host: str, why: str, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"TEST_{field}".upper()
    monkeypatch.setenv(variable, host)
    with pytest.raises(UnusableSetting) as refused:
        check_addresses(load_settings(Settings))
    said = str(refused.value)
    assert said.startswith(f"settings: {variable}: not an address to listen on here: {why}")


@pytest.mark.parametrize("field", ["grpc_host", "metrics_host"])
def test_no_address_at_all_is_not_every_address(
    field: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"TEST_{field}".upper(), "")
    with pytest.raises(SystemExit):
        load_settings(Settings)
    assert f"settings: TEST_{field}".upper()[9:] in capsys.readouterr().err


def test_a_port_that_is_taken_keeps_a_start_back_and_no_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("TEST_GRPC_PORT", str(port))
        settings = load_settings(Settings)
        check_addresses(settings)
        with pytest.raises(UnusableSetting, match=f"TEST_GRPC_PORT: port {port} is taken"):
            listen(settings, "grpc_host", "grpc_port", backlog=1)
