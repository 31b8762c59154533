"""The vault does not start without a key that deserves the name."""

import base64
import sys
from pathlib import Path

import pytest

from apikey_service.__main__ import main

GOOD = base64.b64encode(bytes(range(32))).decode()
ZEROES = base64.b64encode(bytes(32)).decode()
SHORT = base64.b64encode(bytes(range(16))).decode()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the service needs to be told, except for the key."""
    for name in ("TLS_CA_FILE", "TLS_CERT_FILE", "TLS_KEY_FILE", "AUTH_TARGET"):
        monkeypatch.setenv(f"APIKEY_{name}", "x")
    for name in ("DATABASE_URL", "WORKER_DATABASE_URL", "NATS_URL"):
        monkeypatch.setenv(f"APIKEY_{name}", "x://name:secret@host")
    monkeypatch.setattr(sys, "argv", ["apikey-service", "serve"])


def _refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code != 0
    return f"{said.out}{said.err}{ended.value.code}"


def test_without_a_key_it_refuses_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert "APIKEY_VAULT_KEY: Field required" in _refusal(capsys)


@pytest.mark.parametrize("text", [ZEROES, SHORT], ids=["zeroes", "short"])
def test_with_a_key_that_is_none_it_refuses_to_start(
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "vault.key"
    file.write_text(f"{text}\n")
    monkeypatch.setenv("APIKEY_VAULT_KEY_FILE", str(file))

    refusal = _refusal(capsys)

    assert "settings: APIKEY_VAULT_KEY_FILE: must be 32 random bytes in base64" in refusal
    assert text not in refusal


def test_with_a_file_that_is_not_there_it_refuses_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APIKEY_VAULT_KEY_FILE", str(tmp_path / "absent"))
    assert "APIKEY_VAULT_KEY_FILE: No such file" in _refusal(capsys)


def test_with_two_keys_it_refuses_to_choose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "vault.key"
    file.write_text(GOOD)
    monkeypatch.setenv("APIKEY_VAULT_KEY_FILE", str(file))
    monkeypatch.setenv("APIKEY_VAULT_KEY", GOOD)

    refusal = _refusal(capsys)

    assert "settings: APIKEY_VAULT_KEY_FILE: APIKEY_VAULT_KEY is set too" in refusal
    assert GOOD not in refusal
