"""Settings from the environment and from secret files."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest
from pydantic import Field, SecretStr, TypeAdapter, ValidationError

from chassis.setting_values import LogLevel, Network, Target
from chassis.settings import (
    UNUSABLE_STATUS,
    DatabaseSettings,
    EventsSettings,
    ServiceSettings,
    load_settings,
    service_config,
)


class Settings(ServiceSettings, DatabaseSettings, EventsSettings):
    model_config = service_config("TEST_")

    networks: tuple[Network, ...] = ()
    names: list[str] = Field(default_factory=list)
    patience: float = Field(1.0, gt=0)
    target: Target = "host:1"


REQUIRED = {
    "TEST_TLS_CA_FILE": "/ca",
    "TEST_TLS_CERT_FILE": "/cert",
    "TEST_TLS_KEY_FILE": "/key",
    "TEST_DATABASE_URL": "postgresql://app:pw1@host/db",
    "TEST_NATS_URL": "nats://parley:pw3@host:4222",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://worker:pw2@host/db\n")
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL_FILE", str(secret))
    settings = load_settings(Settings)
    assert settings.worker_database_url == SecretStr("postgresql://worker:pw2@host/db")
    assert "pw" not in repr(settings)


def test_a_missing_secret_refuses_to_start_and_names_the_variable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert caught.value.code == 2
    assert "TEST_WORKER_DATABASE_URL" in capsys.readouterr().err


def test_no_message_shows_a_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_METRICS_PORT", "hunter2")
    with pytest.raises(SystemExit):
        load_settings(Settings)
    said = capsys.readouterr().err
    assert "TEST_METRICS_PORT" in said
    assert "hunter2" not in said


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that is said while reading settings that cannot be worked with."""
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert caught.value.code == UNUSABLE_STATUS == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


def test_a_secret_given_twice_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL_FILE", str(secret))
    assert refusal(capsys) == (
        "settings: TEST_WORKER_DATABASE_URL_FILE: TEST_WORKER_DATABASE_URL is set too:"
        " it is one or the other"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file or directory"),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"hunter2", "not postgresql://role:password@host:port/name"),
    ],
)
def test_a_secret_file_that_is_no_good_is_named_and_not_shown(
    content: bytes | None,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = tmp_path / "url"
    if content is not None:
        secret.write_bytes(content)
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL_FILE", str(secret))
    line = refusal(capsys)
    assert line.startswith(f"settings: TEST_WORKER_DATABASE_URL_FILE: {problem}")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    "written",
    [
        "10.0.0.1,fd00::/8",
        " 10.0.0.1 , fd00::/8, ",
        '["10.0.0.1", "fd00::/8"]',
        ' ["10.0.0.1/32","fd00::/8"] ',
    ],
)
def test_a_list_is_written_with_commas_or_as_json(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_NETWORKS", written)
    monkeypatch.setenv("TEST_NAMES", written)
    settings = load_settings(Settings)
    assert settings.networks == (IPv4Network("10.0.0.1/32"), IPv6Network("fd00::/8"))
    assert [name.removesuffix("/32") for name in settings.names] == ["10.0.0.1", "fd00::/8"]


@pytest.mark.parametrize("written", ["", "[]", " , "])
def test_a_list_may_be_empty(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_NAMES", written)
    assert load_settings(Settings).names == []


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("10.0.0.1,hunter2", "entry 2: not a network"),
        ('["10.0.0.1/8"]', "entry 1: not a network"),
        ('["10.0.0.1"', "it begins with [ and is no JSON"),
        ("['10.0.0.1']", "it begins with [ and is no JSON"),
        ('{"hunter2": 1}', "entry 1: not a network"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_line_that_says_how_to_write_it(
    written: str, problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_NETWORKS", written)
    line = refusal(capsys)
    assert line.startswith(f"settings: TEST_NETWORKS: {problem}")
    assert line.endswith('; a list is written one,two or ["one","two"]')
    assert "hunter2" not in line


def test_a_variable_that_another_one_fills_is_named_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_NETWORKS", "10.0.0.1/8")
    monkeypatch.setenv("TEST_NETWORKS_FROM", "PARLEY_NETWORKS")
    assert refusal(capsys).startswith(
        "settings: TEST_NETWORKS (from PARLEY_NETWORKS): entry 1: not a network"
    )


@pytest.mark.parametrize(
    ("variable", "written"),
    [
        ("TEST_LOG_LEVEL", "loud"),
        ("TEST_METRICS_PORT", "eighty"),
        ("TEST_METRICS_PORT", "65536"),
        ("TEST_DRAIN_SECONDS", "nan"),
        ("TEST_PATIENCE", "inf"),
        ("TEST_TARGET", ""),
        ("TEST_TARGET", "host"),
        ("TEST_TARGET", "host:port"),
        ("TEST_TARGET", ":1"),
        ("TEST_DATABASE_URL", "mysql://app:pw1@host/db"),
        ("TEST_DATABASE_URL", "postgresql://app:pw1@[::1/db"),
        ("TEST_DATABASE_URL", "postgresql://app:pw1@h:5432,g:5433/db"),
        ("TEST_DATABASE_URL", "postgresql://app:pw1@/db"),
        ("TEST_NATS_URL", "nats://parley:pw3@:4222"),
        ("TEST_NATS_URL", "nats://parley:pw3@[::1"),
        ("TEST_DATABASE_URL", "postgresql://app:pw1@host:port/db"),
        ("TEST_NATS_URL", "nats://parley:pw3@host:70000"),
    ],
)
def test_a_value_that_could_only_fail_later_is_refused_at_once(
    variable: str, written: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv(variable, written)
    assert refusal(capsys).startswith(f"settings: {variable}: ")


@pytest.mark.parametrize("written", ["host:1", "[::1]:50051", "dns:///host:1", "ipv4:1.2.3.4:1"])
def test_a_target_is_host_and_port_or_as_grpc_spells_it(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_TARGET", written)
    monkeypatch.setenv("TEST_LOG_LEVEL", "DEBUG")
    settings = load_settings(Settings)
    assert (settings.target, settings.log_level) == (written, "debug")


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("TEST_WORKER_DATABASE_URL", ""),
        ("TEST_WORKER_DATABASE_URL", "hunter2"),
        ("TEST_WORKER_DATABASE_URL", "postgresql://hunter2@host/db"),
        ("TEST_WORKER_DATABASE_URL", "postgresql://hunter2:@host/db"),
        ("TEST_WORKER_DATABASE_URL", "postgresql://hunter2: @host/db"),
        ("TEST_WORKER_DATABASE_URL", "postgresql://host:5432/hunter2"),
        ("TEST_WORKER_DATABASE_URL", "postgresql://hunter2@host/db?sslcert=&sslmode=require"),
        ("TEST_OWNER_DATABASE_URL", ""),
        ("TEST_OWNER_DATABASE_URL", "postgresql://hunter2@host/db"),
        ("TEST_NATS_URL", ""),
        ("TEST_NATS_URL", "nats://hunter2:4222"),
        ("TEST_NATS_URL", "nats://hunter2:@host:4222"),
        ("TEST_NATS_URL", "nats://name:pw@one:4222,nats://hunter2:4222"),
    ],
)
def test_an_empty_secret_refuses_to_start_also_within_a_url(
    variable: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv(variable, url)
    with pytest.raises(SystemExit) as caught:
        load_settings(Settings)
    assert caught.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"settings: {variable}: ")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        (
            "TEST_WORKER_DATABASE_URL",
            "postgresql://worker@server:p/w#2@[::1]:5432/db?sslmode=allow",
        ),
        (
            "TEST_WORKER_DATABASE_URL",
            "postgresql://worker@host/db?sslmode=verify-full&sslcert=/tls/crt&sslkey=/tls/key",
        ),
        ("TEST_NATS_URL", "nats://token@host:4222"),
        ("TEST_NATS_URL", "tls://name:pw@one:4222, tls://name:pw@two:4222"),
    ],
)
def test_what_proves_who_one_is_may_be_a_password_a_token_or_a_certificate(
    variable: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv(variable, url)
    settings = load_settings(Settings)
    assert SecretStr(url) in (settings.worker_database_url, settings.nats_url)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_each_level_of_the_log_may_be_named_in_any_case(level: str) -> None:
    levels: TypeAdapter[str] = TypeAdapter(LogLevel)
    assert levels.validate_python(level) == levels.validate_python(level.upper()) == level
    with pytest.raises(ValidationError):
        levels.validate_python(f"{level}s")
