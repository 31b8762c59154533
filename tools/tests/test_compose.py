"""docker-compose.yml is read here the way the services will read it."""

import importlib
import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from parley_compose.distribution import distribute
from parley_compose.layout import Uids
from tools.members import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
PACKAGES = {
    "gateway": "gateway",
    "auth-service": "auth_service",
    "apikey-service": "apikey_service",
    "chat-service": "chat_service",
    "notes-service": "notes_service",
}


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each named volume that the job `secrets` fills, as a folder."""
    root = tmp_path_factory.mktemp("volumes")
    mine = root.stat().st_uid
    distribute(root, Uids(postgres=mine, redis=mine, parley=mine))
    mounts = (mount.split(":") for mount in CONTAINERS["secrets"]["volumes"])
    return {name: root / Path(target).name for name, target in mounts}


def environment_of(
    container: str, volumes: dict[str, Path], given: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """What its processes see where an operator has ``given`` these variables, with paths inside
    mounted volumes turned into real ones.
    """
    found = {}
    for name, value in CONTAINERS[container]["environment"].items():
        text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda name: given.get(name[1], name[2]), value)
        for mount in CONTAINERS[container]["volumes"]:
            volume, target, *_ = mount.split(":")
            if volume in volumes:
                text = re.sub(rf"{target}(?=/|$)", str(volumes[volume]), text)
        found[name] = text
    return found


def settings_of(container: str) -> type[BaseSettings]:
    found: type[BaseSettings] = importlib.import_module(f"{PACKAGES[container]}.settings").Settings
    return found


@pytest.mark.parametrize("container", PACKAGES)
def test_a_container_is_given_settings_that_its_service_accepts(
    container: str, volumes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_of(container, volumes)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_of(container)
    settings()
    prefix = settings.model_config.get("env_prefix", "")
    known = set()
    for field in settings.model_fields:
        known.add(f"{prefix}{field}".upper())
        if "SecretStr" in str(settings.model_fields[field].annotation):
            known.add(f"{prefix}{field}_file".upper())
        # What a line about it says of who has filled it.
        known.add(f"{prefix}{field}_from".upper())
    assert set(environment) <= known


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_has_no_rights_that_it_does_not_need(container: str) -> None:
    definition = CONTAINERS[container]
    assert definition["read_only"]
    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert definition["mem_limit"]
    assert ("cap_add" in definition) == (container == "secrets")


def test_nothing_is_published_but_the_gateway() -> None:
    published = [name for name, container in CONTAINERS.items() if "ports" in container]
    assert published == ["gateway"]


def test_those_have_a_way_out_who_speak_with_clients_mail_and_models_and_nobody_else() -> None:
    ways_out = {
        name: [network for network in container["networks"] if network != "inside"]
        for name, container in CONTAINERS.items()
        if set(container.get("networks", [])) - {"inside"}
    }
    assert ways_out == {
        "gateway": ["outside"],
        "auth-service": ["mail"],
        "chat-service": ["models"],
    }
    for name, container in CONTAINERS.items():
        if name != "secrets":
            assert "inside" in container["networks"]
    assert COMPOSE["networks"]["inside"]["internal"]
    for network in ("outside", "mail", "models"):
        assert not (COMPOSE["networks"][network] or {}).get("internal")


def test_a_variable_for_operators_is_in_the_file_its_head_and_the_documents() -> None:
    used = set(re.findall(r"\$\{(\w+)", TEXT))
    assert set(re.findall(r"^#   (PARLEY_\w+) ", TEXT, re.MULTILINE)) == used
    assert set(re.findall(r"^\| `(PARLEY_\w+)` ", OPERATIONS, re.MULTILINE)) == used


def test_the_proxies_that_an_operator_trusts_are_those_that_the_gateway_trusts(
    volumes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"PARLEY_TRUSTED_PROXIES": json.dumps(["172.30.0.1/32"])}
    for name, value in environment_of("gateway", volumes, given).items():
        monkeypatch.setenv(name, value)
    assert settings_of("gateway")().model_dump()["trusted_proxies"] == (
        IPv4Network("172.30.0.1/32"),
    )


def test_codes_go_by_mail_as_the_documents_say(
    volumes: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = re.findall(r"```yaml\n([^`]*AUTH_DELIVERY[^`]*)```", OPERATIONS)
    override = yaml.safe_load(block)
    changed = override["services"]["auth-service"]
    (secret,) = changed["secrets"]
    assert secret in override["secrets"]
    password = tmp_path / "password"
    password.write_text("of the mail server\n")
    environment = environment_of("auth-service", volumes) | changed["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace(f"/run/secrets/{secret}", str(password)))
    loaded = settings_of("auth-service")().model_dump()
    assert loaded["delivery"] == "smtp"
    assert loaded["smtp_password"].get_secret_value() == "of the mail server"


def test_no_secret_is_in_the_file() -> None:
    for container in CONTAINERS.values():
        for name, value in container.get("environment", {}).items():
            secret = re.search(r"PASSWORD|URL|SECRET|VAULT_KEY|SIGNING_KEY_", name)
            assert not secret or name.endswith("_FILE"), f"{name}={value}"


def test_every_build_names_a_member() -> None:
    for container in CONTAINERS.values():
        if "build" in container:
            folder = ROOT / container["build"]["args"]["SERVICE"]
            (package,) = (p for p in (folder / "src").iterdir() if not p.name.startswith("."))
            assert (package / "__main__.py").is_file()


def test_every_file_that_a_container_is_pointed_to_is_handed_out(volumes: dict[str, Path]) -> None:
    for container, definition in CONTAINERS.items():
        if "environment" in definition:
            for name, value in environment_of(container, volumes).items():
                assert not name.endswith("_FILE") or Path(value).is_file(), f"{container}: {name}"
                if name.endswith("_KEYS_DIR") and container == "auth-service":
                    assert list(Path(value).glob("*.pem"))


def test_every_dependency_and_volume_exists() -> None:
    for container in CONTAINERS.values():
        for name, wanted in container.get("depends_on", {}).items():
            healthy = wanted["condition"] == "service_healthy"
            assert healthy == (CONTAINERS[name]["restart"] != "no")
        for mount in container.get("volumes", []):
            assert mount.split(":")[0] in COMPOSE["volumes"]
