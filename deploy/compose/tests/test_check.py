"""Each service reads what docker-compose.yml gives it, with the secrets that the job hands out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from parley_compose.distribution import distribute
from parley_compose.layout import SERVICES, Uids

FILE = Path(__file__).resolve().parents[3] / "docker-compose.yml"
PREFIXES = {"gateway": "GATEWAY_", "chat-service": "CHAT_"}
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("volumes")
    uid = folder.stat().st_uid
    distribute(folder, Uids(postgres=uid, redis=uid, parley=uid))
    return folder


def check(service: str, volumes: Path, **operator: str) -> subprocess.CompletedProcess[str]:
    """``check`` of a service in its container's environment, as the operator's variables make it."""
    container = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"][service]
    places = dict(volume.split(":")[1::-1] for volume in container["volumes"])
    environment = {"PATH": os.defpath}
    for name, given in container["environment"].items():
        value = VARIABLE.sub(lambda found: operator.get(found[1], found[2]), given)
        for place, volume in places.items():
            folder = volume if volume == "auth-keys" else service
            value = re.sub(rf"^{place}(?=/|$)", str(volumes / folder), value)
        environment[name] = value
    command = [sys.executable, "-m", service.replace("-", "_"), "check"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_finds_nothing_wrong_with_what_compose_gives_it(
    service: str, volumes: Path
) -> None:
    done = check(service, volumes)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("service", "variable", "value"),
    [
        ("gateway", "PARLEY_TRUSTED_PROXIES", '["10.0.0.256"]'),
        ("gateway", "PARLEY_CORS_ORIGINS", '["https://*.example"]'),
        ("chat-service", "PARLEY_ALLOWED_HOSTS", "10.0.0.1/8"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_2(
    service: str, variable: str, value: str, volumes: Path
) -> None:
    done = check(service, volumes, **{variable: value})
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    # Both what was set, and what an override would set.
    inside = f"{PREFIXES[service]}{variable.removeprefix('PARLEY_')}"
    assert line.startswith(f"settings: {inside} (from {variable}): entry 1: ")


def test_a_secret_that_is_not_there_is_found_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "notes-service").mkdir()
    done = check("notes-service", tmp_path)
    assert done.returncode != 0
    assert done.stderr.startswith("settings: NOTES_")
    assert "_FILE: No such file or directory" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("service", ["gateway", "notes-service"])
def test_a_certificate_that_is_none_is_found_before_the_start(service: str, tmp_path: Path) -> None:
    uid = tmp_path.stat().st_uid
    distribute(tmp_path, Uids(postgres=uid, redis=uid, parley=uid))
    certificate = tmp_path / service / "certificate.pem"
    certificate.unlink()
    certificate.write_text("no certificate")
    done = check(service, tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"settings: {service.split('-', maxsplit=1)[0].upper()}_TLS_CERT_FILE: ")
