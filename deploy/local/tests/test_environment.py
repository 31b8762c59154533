import json
from pathlib import Path

import pytest

from parley_local.environment import (
    Backends,
    DatabaseUrls,
    EnvironmentProblem,
    explicit_databases,
    explicit_nats,
    service_environment,
)
from parley_local.state import State
from parley_local.topology import (
    GATEWAY,
    MEMBERS,
    ReplicasProblem,
    Topology,
    lay_out,
    parse_replicas,
)

BACKENDS = Backends(
    databases={
        service: DatabaseUrls(f"{service}-owner", f"{service}-app", f"{service}-worker")
        for service in ("auth", "apikey", "chat", "notes")
    },
    redis_url="redis://elsewhere",
    nats_urls={
        service: f"nats://{service}@elsewhere" for service in ("auth", "apikey", "chat", "notes")
    },
)


def place(**environment: str) -> Topology:
    return lay_out(gateway_host="127.0.0.1", gateway_port=8000, environment=environment)


def environment_of(name: str, tmp_path: Path, **inherited: str) -> dict[str, str]:
    topology = place(**inherited)
    (instance,) = (each for each in topology.instances if each.label == name)
    return service_environment(
        instance,
        topology=topology,
        backends=BACKENDS,
        state=State(tmp_path),
        inherited=inherited,
    )


def test_every_process_has_ports_of_its_own() -> None:
    topology = place()
    ports = [port for each in topology.instances for port in (each.port, each.metrics_port)]
    assert len(set(ports)) == len(ports) == 2 * len(MEMBERS)
    assert topology.gateway_urls == ("http://127.0.0.1:8000",)


def test_a_service_finds_its_database_certificates_and_whom_it_calls(tmp_path: Path) -> None:
    chat = environment_of("chat-service", tmp_path)
    assert chat["CHAT_DATABASE_URL"] == "chat-app"
    assert chat["CHAT_WORKER_DATABASE_URL"] == "chat-worker"
    assert chat["CHAT_TLS_KEY_FILE"] == str(tmp_path / "tls" / "chat-service.key")
    assert chat["CHAT_AUTH_TARGET"].startswith("127.0.0.1:")
    assert chat["CHAT_APIKEY_TARGET"] != chat["CHAT_AUTH_TARGET"]
    assert "127.0.0.0/8" in json.loads(chat["CHAT_ALLOWED_HOSTS"])
    assert not [name for name in chat if not name.startswith("CHAT_")]


def test_no_service_sees_anothers_secrets_nor_the_owners_password(tmp_path: Path) -> None:
    inherited = {
        "NOTES_DATABASE_URL": "mine",
        "NOTES_OWNER_DATABASE_URL": "owners",
        "AUTH_DATABASE_URL": "theirs",
        "REDIS_URL": "redis://secret",
        "PATH": "/bin",
    }
    notes = environment_of("notes-service", tmp_path, **inherited)
    assert notes["PATH"] == "/bin"
    assert notes["NOTES_DATABASE_URL"] == "mine"
    values = set(notes.values())
    assert not values & {"owners", "theirs", "redis://secret", "notes-owner"}
    assert [value for value in values if value.startswith("nats://")] == ["nats://notes@elsewhere"]


def test_a_nats_of_ones_own_has_a_user_for_each_service_or_one_for_all() -> None:
    each = {f"{name.upper()}_NATS_URL": f"nats://{name}" for name in BACKENDS.nats_urls}
    assert explicit_nats(each) == {name: f"nats://{name}" for name in BACKENDS.nats_urls}
    shared = {"NATS_URL": "nats://all", "NOTES_NATS_URL": "nats://notes"}
    assert explicit_nats(shared) == dict.fromkeys(BACKENDS.nats_urls, "nats://all") | {
        "notes": "nats://notes"
    }
    assert explicit_nats({"NOTES_NATS_URL": "nats://notes"}) == {"notes": "nats://notes"}


def test_what_the_environment_sets_wins_and_the_others_follow(tmp_path: Path) -> None:
    inherited = {"AUTH_GRPC_PORT": "4711", "AUTH_ACCESS_TOKEN_SECONDS": "60"}
    auth = environment_of("auth-service", tmp_path, **inherited)
    assert auth["AUTH_GRPC_PORT"] == "4711"
    assert auth["AUTH_ACCESS_TOKEN_SECONDS"] == "60"
    notes = environment_of("notes-service", tmp_path, **inherited)
    assert notes["NOTES_AUTH_TARGET"] == "127.0.0.1:4711"


def test_several_processes_of_a_service_are_one_target() -> None:
    topology = lay_out(
        gateway_host="0.0.0.0", gateway_port=8000, environment={}, replicas={"chat-service": 2}
    )
    first, second = (each for each in topology.instances if each.member.database == "chat")
    assert (first.label, second.label) == ("chat-service.1", "chat-service.2")
    assert topology.target("chat") == f"ipv4:127.0.0.1:{first.port},127.0.0.1:{second.port}"
    assert topology.gateway_urls == ("http://127.0.0.1:8000",)


def test_several_gateways_are_at_the_port_asked_for_and_at_others(tmp_path: Path) -> None:
    # Variables that name one port are for one process.
    inherited = {"GATEWAY_PORT": "8000", "GATEWAY_METRICS_PORT": "9100"}
    topology = lay_out(
        gateway_host="127.0.0.1", gateway_port=8000, environment=inherited, replicas={"gateway": 3}
    )
    first, *others = topology.gateway_urls
    assert first == "http://127.0.0.1:8000"
    assert len({first, *others}) == 3
    environments = [
        service_environment(
            instance,
            topology=topology,
            backends=BACKENDS,
            state=State(tmp_path),
            inherited=inherited,
        )
        for instance in topology.of(GATEWAY)
    ]
    assert [f"http://127.0.0.1:{e['GATEWAY_PORT']}" for e in environments] == [first, *others]
    assert len({e["GATEWAY_METRICS_PORT"] for e in environments}) == 3


def test_counts_of_replicas_are_read_and_nonsense_is_refused() -> None:
    assert parse_replicas("") == {}
    assert parse_replicas("chat-service=2, gateway=3,") == {"chat-service": 2, "gateway": 3}
    for nonsense in ("chat=2", "gateway", "gateway=0", "gateway=10", "gateway=two", "=2"):
        with pytest.raises(ReplicasProblem, match="PARLEY_REPLICAS"):
            parse_replicas(nonsense)


def test_a_database_of_ones_own_needs_all_three_roles() -> None:
    given = {
        "AUTH_DATABASE_URL": "app",
        "AUTH_WORKER_DATABASE_URL": "worker",
        "AUTH_OWNER_DATABASE_URL": "owner",
    }
    assert explicit_databases(given) == {"auth": DatabaseUrls("owner", "app", "worker")}
    assert explicit_databases({}) == {}
    del given["AUTH_WORKER_DATABASE_URL"]
    with pytest.raises(EnvironmentProblem, match="so AUTH_WORKER_DATABASE_URL must be too"):
        explicit_databases(given)
