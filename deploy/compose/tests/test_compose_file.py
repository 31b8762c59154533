"""What docker-compose.yml must hold for every container, read from the file itself."""

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from parley_compose.layout import DATABASES, SERVICES

ROOT = Path(__file__).resolve().parents[3]
FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
CONTAINERS: dict[str, dict[str, Any]] = FILE["services"]
JOBS = {name for name, container in CONTAINERS.items() if container.get("restart") == "no"}
SERVERS = set(CONTAINERS) - JOBS

everywhere = pytest.mark.parametrize("name", sorted(CONTAINERS))
every_server = pytest.mark.parametrize("name", sorted(SERVERS))
every_service = pytest.mark.parametrize("name", SERVICES)


def seconds(duration: str) -> int:
    assert duration.endswith("s"), duration
    return int(duration.removesuffix("s"))


def networks(name: str) -> set[str]:
    return set(CONTAINERS[name].get("networks", []))


def awaited(name: str) -> dict[str, str]:
    depends_on = CONTAINERS[name].get("depends_on", {})
    return {other: how["condition"] for other, how in depends_on.items()}


def behind(name: str) -> set[str]:
    """Everything that has to be there before ``name`` starts."""
    direct = set(awaited(name))
    return direct.union(*(behind(other) for other in direct))


def test_the_jobs_are_those_that_end() -> None:
    # Each costs every `up` the start of a container and of Python.
    assert {"secrets", "databases"} == JOBS


@everywhere
def test_a_log_cannot_fill_the_disk(name: str) -> None:
    logging = CONTAINERS[name]["logging"]
    assert logging["driver"] == "json-file"
    assert logging["options"] == {"max-size": "10m", "max-file": "5"}


@everywhere
def test_a_container_has_no_right_that_it_needs_not(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["pids_limit"] > 0
    assert container["mem_limit"]
    assert ("cap_add" in container) == (container.get("user") == "0:0") == (name == "secrets")
    assert not container.get("privileged")


@every_server
def test_a_server_comes_back_after_a_reboot_and_ends_in_its_own_time(name: str) -> None:
    # `on-failure` would leave down what Docker stopped when the machine went down.
    assert CONTAINERS[name]["restart"] == "unless-stopped"
    # The drain's default is 25 s, and what follows it takes up to 5.
    assert seconds(CONTAINERS[name]["stop_grace_period"]) >= 35


@every_server
def test_a_server_is_asked_often_until_it_is_up_and_seldom_from_then_on(name: str) -> None:
    probe = CONTAINERS[name]["healthcheck"]
    assert probe["test"][0] in ("CMD", "CMD-SHELL")
    assert seconds(probe["start_interval"]) <= 1
    assert seconds(probe["start_period"]) >= 120
    assert seconds(probe["interval"]) >= 30


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_job_is_waited_for_until_it_has_succeeded(name: str) -> None:
    assert "healthcheck" not in CONTAINERS[name]
    hows = {awaited(other)[name] for other in CONTAINERS if name in awaited(other)}
    assert hows == {"service_completed_successfully"}


@every_service
def test_a_service_asks_itself_without_starting_python(name: str) -> None:
    assert CONTAINERS[name]["healthcheck"]["test"] == ["CMD", "/opt/parley/ready"]


@every_service
def test_a_service_may_have_a_descriptor_for_each_of_ten_thousand_sockets(name: str) -> None:
    limits = CONTAINERS[name]["ulimits"]["nofile"]
    # A gateway's 15,000 sockets, and as many again for what is behind them.
    assert limits["soft"] == limits["hard"] >= 2 * 15_000


@every_service
def test_a_signal_ends_a_service_that_has_not_set_its_handlers_yet(name: str) -> None:
    # A process with the id 1 is not ended by a signal that it does not handle.
    assert CONTAINERS[name]["init"] is True


@every_service
def test_a_service_waits_for_the_migrations_and_for_no_other_service(name: str) -> None:
    services = set(SERVICES) & set(awaited(name))
    if name == "gateway":
        assert services == set(SERVICES) - {"gateway"}
        assert {awaited(name)[other] for other in services} == {"service_healthy"}
    else:
        # Each wait is a second of every start; they find each other by themselves.
        assert services == set()
        assert awaited(name)["databases"] == "service_completed_successfully"


def test_the_job_that_makes_the_databases_brings_each_to_its_newest_revision() -> None:
    job = CONTAINERS["databases"]
    assert job["build"]["target"] == "jobs"
    option, folder, *names = job["command"]
    assert option == "--migrations"
    assert names == list(DATABASES)
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    for name, service in DATABASES.items():
        package = service.replace("-", "_")
        source = f"{service}/src/{package}/migrations"
        assert f"COPY {source} {folder}/{name}\n" in dockerfile
        assert list((ROOT / source / "versions").glob("0001*.py"))


@every_server
def test_nothing_starts_before_its_secrets_are_there(name: str) -> None:
    assert "secrets" in behind(name)


@pytest.mark.parametrize("pair", list(combinations(sorted(CONTAINERS), 2)), ids="+".join)
def test_two_containers_meet_on_the_inner_network_alone(pair: tuple[str, str]) -> None:
    # A name stands for one address on every network that the two have in common.
    one, other = pair
    assert networks(one) & networks(other) <= {"inside"}


def test_only_what_has_to_gets_out() -> None:
    assert FILE["networks"]["inside"]["internal"] is True
    ways_out = {name: networks(name) - {"inside"} for name in CONTAINERS}
    assert {name: ways for name, ways in ways_out.items() if ways} == {
        "gateway": {"outside"},
        "auth-service": {"mail"},
        "chat-service": {"models"},
    }
    assert CONTAINERS["secrets"]["network_mode"] == "none"


def test_the_machine_itself_has_a_name_for_chat_service() -> None:
    assert CONTAINERS["chat-service"]["extra_hosts"] == ["host.docker.internal:host-gateway"]
    # A name alone opens nothing: the operator does.
    apikey, chat = CONTAINERS["apikey-service"], CONTAINERS["chat-service"]
    assert apikey["environment"]["APIKEY_ALLOWED_HOSTS"] == "${PARLEY_ALLOWED_HOSTS:-[]}"
    assert chat["environment"]["CHAT_ALLOWED_HOSTS"] == ("${PARLEY_ALLOWED_HOSTS:-[]}")


def test_the_one_published_port_is_the_gateways_on_loopback_and_can_be_a_range() -> None:
    published = {name: c["ports"] for name, c in CONTAINERS.items() if "ports" in c}
    assert published == {"gateway": ["${PARLEY_BIND:-127.0.0.1:8000}:8000"]}


@everywhere
def test_a_container_can_run_more_than_once(name: str) -> None:
    assert "container_name" not in CONTAINERS[name]
    assert "hostname" not in CONTAINERS[name]


def test_what_an_operators_variable_fills_is_named_with_it() -> None:
    for name, container in CONTAINERS.items():
        environment = container.get("environment", {})
        filled = {
            f"{variable}_FROM": found[1]
            for variable, value in environment.items()
            if (found := re.match(r"\$\{(\w+)", value))
        }
        said = {key: value for key, value in environment.items() if key.endswith("_FROM")}
        assert said == filled, name


def variables() -> Iterator[tuple[str, str]]:
    for container in CONTAINERS.values():
        yield from container.get("environment", {}).items()


def test_a_secret_is_a_file_in_a_volume_that_is_mounted_read_only() -> None:
    for name, value in variables():
        assert "://" not in value, name
        if any(word in name for word in ("PASSWORD", "DATABASE_URL", "NATS_URL", "REDIS_URL")):
            assert name.endswith("_FILE"), name
    for name, container in CONTAINERS.items():
        for volume in container.get("volumes", []):
            if "-secrets:" in volume and name != "secrets":
                assert volume.endswith(":ro"), (name, volume)


def test_nothing_is_fetched_under_a_name_that_is_built_here() -> None:
    # An image with a name of ours that is not there yet is asked of a registry before it is built.
    for name, container in CONTAINERS.items():
        assert ("image" in container) != ("build" in container), name
        assert "/" not in container.get("image", ""), name


def test_nothing_that_is_built_is_built_again_unless_somebody_asks() -> None:
    # Seconds of every `up`, and a registry that has to answer, for what is there.
    assert not [name for name, container in CONTAINERS.items() if "pull_policy" in container]


def test_the_data_of_each_server_is_in_a_volume_with_a_name() -> None:
    for name, place in (
        ("postgres", "/var/lib/postgresql"),
        ("redis", "/data"),
        ("nats", "/data"),
    ):
        assert f"{name}-data:{place}" in CONTAINERS[name]["volumes"]
        assert f"{name}-data" in FILE["volumes"]
