from pathlib import Path

import pytest

from parley_local.environment import (
    Backends,
    DatabaseUrls,
    EnvironmentProblem,
    explicit_databases,
    explicit_events_prefix,
    explicit_nats,
    service_environment,
)
from parley_local.state import State
from parley_local.topology import (
    CHAT,
    GATEWAY,
    MEMBERS,
    ReplicasProblem,
    Topology,
    check_hosts,
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
    assert "127.0.0.0/8" in chat["CHAT_ALLOWED_HOSTS"].split(",")
    assert not [name for name in chat if not name.startswith("CHAT_")]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "parley.example"])
def test_a_gateway_that_others_reach_opens_no_model_servers_of_this_machine(
    host: str, tmp_path: Path
) -> None:
    def chat(**inherited: str) -> dict[str, str]:
        topology = lay_out(gateway_host=host, gateway_port=8000, environment={})
        (instance,) = topology.of(CHAT)
        return service_environment(
            instance,
            topology=topology,
            backends=BACKENDS,
            state=State(tmp_path),
            inherited=inherited,
        )

    assert "CHAT_ALLOWED_HOSTS" not in chat()
    assert chat(CHAT_ALLOWED_HOSTS="127.0.0.1")["CHAT_ALLOWED_HOSTS"] == "127.0.0.1"


def test_who_keeps_an_address_is_told_the_same_as_who_connects_to_it(tmp_path: Path) -> None:
    def apikey(**inherited: str) -> dict[str, str]:
        return environment_of("apikey-service", tmp_path, **inherited)

    chat = environment_of("chat-service", tmp_path)
    assert apikey()["APIKEY_ALLOWED_HOSTS"] == chat["CHAT_ALLOWED_HOSTS"]
    told = apikey(CHAT_ALLOWED_HOSTS="10.1.2.3")
    assert told["APIKEY_ALLOWED_HOSTS"] == "10.1.2.3"
    assert told["APIKEY_ALLOWED_HOSTS_FROM"] == "CHAT_ALLOWED_HOSTS"
    own = apikey(CHAT_ALLOWED_HOSTS="10.1.2.3", APIKEY_ALLOWED_HOSTS="10.9.9.9")
    assert own["APIKEY_ALLOWED_HOSTS"] == "10.9.9.9"
    assert "APIKEY_ALLOWED_HOSTS_FROM" not in own


def test_a_vault_key_of_the_environment_stands_in_for_the_file(tmp_path: Path) -> None:
    assert "APIKEY_VAULT_KEY_FILE" in environment_of("apikey-service", tmp_path)
    own = environment_of(
        "apikey-service", tmp_path, APIKEY_VAULT_KEY="k", APIKEY_VAULT_OLD_KEYS="o"
    )
    assert (own["APIKEY_VAULT_KEY"], own["APIKEY_VAULT_OLD_KEYS"]) == ("k", "o")
    assert "APIKEY_VAULT_KEY_FILE" not in own


def test_any_port_is_the_one_that_the_others_are_told(tmp_path: Path) -> None:
    inherited = {"AUTH_GRPC_PORT": "0", "AUTH_METRICS_PORT": ""}
    auth = environment_of("auth-service", tmp_path, **inherited)
    assert 0 < int(auth["AUTH_GRPC_PORT"]) <= 65535
    assert 0 < int(auth["AUTH_METRICS_PORT"]) <= 65535


def test_services_are_reached_where_the_environment_has_them_listen() -> None:
    topology = place(AUTH_GRPC_HOST="::1", NOTES_GRPC_HOST="0.0.0.0", AUTH_METRICS_HOST="::")
    (auth,) = (each for each in topology.instances if each.label == "auth-service")
    assert topology.target("auth") == f"[::1]:{auth.port}"
    assert topology.target("notes").startswith("127.0.0.1:")
    assert auth.metrics_host == "[::1]"


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
    assert explicit_nats({}) == {}


def test_a_service_knows_which_variable_for_all_has_filled_its_own(tmp_path: Path) -> None:
    shared = {"NATS_URL": "nats://all", "REDIS_URL": "redis://own"}
    chat = environment_of("chat-service", tmp_path, **shared)
    assert chat["CHAT_NATS_URL_FROM"] == "NATS_URL"
    assert chat["CHAT_REDIS_URL_FROM"] == "REDIS_URL"
    notes = environment_of("notes-service", tmp_path, **shared, NOTES_NATS_URL="nats://notes")
    assert not [name for name in notes if name.endswith("_FROM")]
    assert not [name for name in environment_of("chat-service", tmp_path) if "_FROM" in name]


def test_a_nats_of_ones_own_for_some_of_the_services_is_refused() -> None:
    each = {f"{name.upper()}_NATS_URL": f"nats://{name}" for name in BACKENDS.nats_urls}
    for name, url in each.items():
        with pytest.raises(EnvironmentProblem, match=f"^{name} is set, so ") as caught:
            explicit_nats({name: url})
        for other in each.keys() - {name}:
            assert other in str(caught.value)
        with pytest.raises(EnvironmentProblem, match=f" are set, so {name} must be too"):
            explicit_nats({**each, name: ""})


def test_a_prefix_of_events_is_that_of_all_services_or_none() -> None:
    names = [f"{name.upper()}_EVENTS_PREFIX" for name in BACKENDS.nats_urls]
    assert explicit_events_prefix({}) == "parley"
    assert explicit_events_prefix({names[0]: "parley"}) == "parley"
    assert explicit_events_prefix(dict.fromkeys(names, "acme")) == "acme"
    for name in names:
        with pytest.raises(EnvironmentProblem, match=f"{name} is acme") as caught:
            explicit_events_prefix({name: "acme"})
        assert all(other in str(caught.value) for other in names)
    for nonsense in ("", "*", "a.b", ">", "Acme", "acme\n"):
        with pytest.raises(EnvironmentProblem, match="settings: AUTH_EVENTS_PREFIX: it is 1 to"):
            explicit_events_prefix(dict.fromkeys(names, nonsense))


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


@pytest.mark.parametrize(
    ("host", "scheme", "reached"),
    [
        ("::1", "ipv6", "[::1]"),
        ("::", "ipv6", "[::1]"),
        ("0.0.0.0", "ipv4", "127.0.0.1"),
        ("192.0.2.7", "ipv4", "192.0.2.7"),
        ("localhost", "ipv4", "127.0.0.1"),
    ],
)
def test_several_processes_at_a_host_of_ones_own_are_a_target_that_grpc_reads(
    host: str, scheme: str, reached: str
) -> None:
    environment, replicas = {"CHAT_GRPC_HOST": host}, {"chat-service": 2}
    check_hosts(environment, replicas)
    topology = lay_out(
        gateway_host="127.0.0.1", gateway_port=8000, environment=environment, replicas=replicas
    )
    first, second = topology.of(CHAT)
    assert topology.target("chat") == f"{scheme}:{reached}:{first.port},{reached}:{second.port}"


@pytest.mark.parametrize("host", ["chat.example", "[::1]", "127.0.0.1:1"])
def test_several_processes_at_a_name_are_refused_and_one_is_not(host: str) -> None:
    environment, replicas = {"CHAT_GRPC_HOST": host}, {"chat-service": 2, "auth-service": 2}
    for refuse in (
        lambda: check_hosts(environment, replicas),
        lambda: lay_out(
            gateway_host="127.0.0.1", gateway_port=8000, environment=environment, replicas=replicas
        ),
    ):
        with pytest.raises(ReplicasProblem, match=r"settings: CHAT_GRPC_HOST: .* is no address"):
            refuse()
    check_hosts(environment, {"auth-service": 2})
    assert place(CHAT_GRPC_HOST="chat.example").target("chat").startswith("chat.example:")


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
        "AUTH_DATABASE_URL": "postgresql://app:pw@host/db",
        "AUTH_WORKER_DATABASE_URL": "postgresql://worker:pw@host/db",
        "AUTH_OWNER_DATABASE_URL": "postgresql://owner:pw@host/db",
    }
    [(database, urls)] = explicit_databases(given).items()
    assert database == "auth"
    assert urls == DatabaseUrls(
        owner=given["AUTH_OWNER_DATABASE_URL"],
        app=given["AUTH_DATABASE_URL"],
        worker=given["AUTH_WORKER_DATABASE_URL"],
    )
    assert explicit_databases({}) == {}
    del given["AUTH_WORKER_DATABASE_URL"]
    with pytest.raises(EnvironmentProblem, match="so AUTH_WORKER_DATABASE_URL must be too"):
        explicit_databases(given)


def test_pages_and_connections_for_all_go_to_who_serves_them_unless_they_are_set(
    tmp_path: Path,
) -> None:
    def environment(name: str, **inherited: str) -> dict[str, str]:
        topology = place(**inherited)
        (instance,) = (each for each in topology.instances if each.label == name)
        return service_environment(
            instance,
            topology=topology,
            backends=BACKENDS,
            state=State(tmp_path),
            inherited=inherited,
            web=tmp_path / "dist",
            connections=tmp_path / "connections.toml",
        )

    assert environment("gateway")["GATEWAY_WEB_DIR"] == str(tmp_path / "dist")
    assert environment("apikey-service")["APIKEY_CONNECTIONS_FILE"].endswith("connections.toml")
    own = environment("gateway", GATEWAY_WEB_DIR="/srv/pages")
    assert own["GATEWAY_WEB_DIR"] == "/srv/pages"
    assert "GATEWAY_WEB_DIR" not in environment_of("gateway", tmp_path)
    assert "APIKEY_CONNECTIONS_FILE" not in environment_of("apikey-service", tmp_path)
