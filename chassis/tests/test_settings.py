"""Settings from the environment and from secret files."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from chassis.settings import (
    DatabaseSettings,
    EventsSettings,
    ServiceSettings,
    load_settings,
    service_config,
)


class Settings(ServiceSettings, DatabaseSettings, EventsSettings):
    model_config = service_config("TEST_")


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


def test_a_secret_given_twice_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL", "postgresql://worker:pw2@host/db")
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL_FILE", str(secret))
    with pytest.raises(SystemExit, match="both set"):
        load_settings(Settings)


def test_a_secret_file_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEST_WORKER_DATABASE_URL_FILE", str(tmp_path / "absent"))
    with pytest.raises(SystemExit, match="TEST_WORKER_DATABASE_URL_FILE"):
        load_settings(Settings)


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
