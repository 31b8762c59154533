"""The vault does not start without a key that deserves the name."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest


def _start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    required = {
        f"APIKEY_{name}": "x"
        for name in (
            "TLS_CA_FILE",
            "TLS_CERT_FILE",
            "TLS_KEY_FILE",
            "DATABASE_URL",
            "WORKER_DATABASE_URL",
            "NATS_URL",
            "AUTH_TARGET",
        )
    }
    return subprocess.run(
        [sys.executable, "-m", "apikey_service", "serve"],
        env={**os.environ, **required, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_key_it_refuses_to_start() -> None:
    ended = _start({})
    assert ended.returncode == 2
    assert "APIKEY_VAULT_KEY: Field required" in ended.stderr


@pytest.mark.parametrize("key", [bytes(32), os.urandom(16)])
def test_with_a_key_of_zeroes_or_a_short_one_it_refuses_to_start(
    key: bytes, tmp_path: Path
) -> None:
    text = base64.b64encode(key).decode()
    file = tmp_path / "vault.key"
    file.write_text(f"{text}\n")

    ended = _start({"APIKEY_VAULT_KEY_FILE": str(file)})

    assert ended.returncode == 2
    assert "APIKEY_VAULT_KEY: Value error, must be 32 random bytes in base64" in ended.stderr
    assert text not in ended.stdout + ended.stderr


def test_with_a_file_that_is_not_there_it_refuses_to_start(tmp_path: Path) -> None:
    ended = _start({"APIKEY_VAULT_KEY_FILE": str(tmp_path / "absent")})
    assert ended.returncode != 0
    assert "APIKEY_VAULT_KEY_FILE" in ended.stderr
