"""What the operator offers: used by whom it is open to, read and changed by nobody."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import pytest_asyncio

from apikey_service.domain.secret import Secret
from apikey_service.operators.addresses import LoggedAddressRules
from apikey_service.operators.connections import ConnectionsInForce
from apikey_service.operators.connections_file import ConnectionsReading
from apikey_service.settings import Settings
from apikey_service.store.uses import Uses
from chassis.db.engine import Database
from chassis.embedded.ports import free_port
from chassis.errors import AppError, FieldError
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, OpenChannel, Signer, eventually
from chassis.testing.plugin import StartProcess
from chassis.testing.variables import variables_of
from parley.apikey.v1 import apikey_pb2
from parley.generation.v1 import generation_pb2
from servicekit.operator_file import BadFile, Reading

Person = Any

TENANT = new_id()
KEY = "house-key-0123456789-of-the-operator"
FILE = f"""
[[connections]]
name = "House"
base_url = "https://models.example.org/v1/"
models = ["large", "small"]
key_file = "house.key"
daily_tokens = 200_000
parameters = {{ temperature = 0.1, stop = ["END"] }}
headers = {{ "X-Team" = "chat", "api-key" = {{ file = "house.key" }} }}

[[connections]]
name = "For admins"
base_url = "https://admins.example.org"
provider = "anthropic"
models = ["claude"]
key_file = "house.key"
roles = ["tenant_admin", "operator"]

[[connections]]
name = "For one tenant"
base_url = "https://tenant.example.org"
models = ["tiny"]
key_file = "house.key"
tenants = ["{TENANT}"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "house.key").write_text(f"{KEY}\n")
    (tmp_path / "connections.toml").write_text(FILE)
    return tmp_path


@pytest.fixture
def changes(folder: Path) -> dict[str, object]:
    return {"connections_file": folder / "connections.toml"}


async def names(person: Person) -> list[str]:
    return [key.name for key in (await person.tell("ListKeys")).items]


async def test_users_see_what_is_open_to_them_behind_their_own_and_nothing_secret(
    ada: Person, new_person: Callable[..., Person]
) -> None:
    admin, member = new_person(role="tenant_admin"), new_person(tenant_id=TENANT)
    assert await names(ada) == ["House"]
    assert await names(admin) == ["House", "For admins"]
    assert await names(member) == ["House", "For one tenant"]
    await ada.create("own")
    assert await names(ada) == ["own", "House"]

    (house,) = [key for key in (await ada.tell("ListKeys")).items if key.name == "House"]
    assert house.owner == apikey_pb2.OWNER_OPERATOR
    assert (house.masked_key, house.base_url, list(house.header_names)) == ("", "", [])
    assert (house.model, list(house.models)) == ("large", ["large", "small"])
    assert house.daily_tokens == 200_000
    assert house.parameters == generation_pb2.GenerationParameters(temperature=0.1, stop=["END"])
    assert await ada.get(house.id) == house
    assert (await ada.tell("GetKeyByName", name="HOUSE")).key == house
    for text in (KEY, "models.example.org", "X-Team"):
        assert text not in str(await admin.tell("ListKeys"))


async def test_chat_service_is_given_all_of_it(ada: Person) -> None:
    (house,) = (await ada.tell("ListKeys")).items
    for asked in ({"id": house.id}, {"name": "house"}, {}):
        assert await ada.resolve(**asked) == apikey_pb2.ResolveKeyResponse(
            id=house.id,
            name="House",
            api_key=KEY,
            model="large",
            base_url="https://models.example.org/v1",
            provider=apikey_pb2.PROVIDER_OPENAI,
            parameters=house.parameters,
            headers=[
                apikey_pb2.Header(name="X-Team", value="chat"),
                apikey_pb2.Header(name="api-key", value=KEY),
            ],
            owner=apikey_pb2.OWNER_OPERATOR,
            daily_tokens=200_000,
            models=["large", "small"],
        )


async def test_chat_service_is_told_of_which_there_are_so_many_tokens_a_day(
    ada: Person, new_person: Callable[..., Person]
) -> None:
    (house,) = (await ada.tell("ListKeys")).items
    for who in (ada, new_person(role="tenant_admin")):
        (told,) = (await who.chats("ListAllowances")).items
        assert told == apikey_pb2.Allowance(key_id=house.id, key_name="House", daily_tokens=200_000)
    with pytest.raises(AppError) as refused:
        await ada.tell("ListAllowances")
    assert refused.value.reason == "FORBIDDEN"


async def test_what_is_not_open_to_somebody_is_as_if_absent(
    ada: Person, new_person: Callable[..., Person]
) -> None:
    admin = new_person(role="operator")
    (_, hidden) = (await admin.tell("ListKeys")).items
    for method, fields in (
        ("GetKey", {"id": hidden.id}),
        ("GetKeyByName", {"name": hidden.name}),
        ("SetDefaultKey", {"key_id": hidden.id}),
        ("ResolveKey", {"id": hidden.id}),
        ("ResolveKey", {"name": hidden.name}),
        ("ReportUse", {"key_id": hidden.id, "ok": True}),
    ):
        assert await ada.refused(method, **fields) == ("KEY_NOT_FOUND", [])


async def test_nobody_changes_or_deletes_one_or_falls_back_to_it(ada: Person) -> None:
    own = await ada.create()
    (_, house) = (await ada.tell("ListKeys")).items
    assert await ada.refused("UpdateKey", id=house.id, name="mine") == ("KEY_NOT_FOUND", [])
    assert await ada.refused("DeleteKey", id=house.id) == ("KEY_NOT_FOUND", [])
    assert await ada.refused("UpdateKey", id=own.id, fallback_key_id=house.id) == (
        "VALIDATION", [FieldError("fallback_key_id", "NOT_FOUND")],
    )  # fmt: skip
    assert await ada.get(house.id) == house


async def test_one_is_the_default_where_it_is_made_so_or_where_there_is_no_other(
    ada: Person,
) -> None:
    (house,) = (await ada.tell("ListKeys")).items
    assert house.is_default
    assert (await ada.tell("GetDefaultKey")).key == house

    own = await ada.create("own")
    assert own.is_default
    assert (await ada.resolve()).id == own.id
    assert not (await ada.get(house.id)).is_default

    assert (await ada.tell("SetDefaultKey", key_id=house.id)).key.is_default
    assert (await ada.resolve()).id == house.id
    assert not (await ada.create("another")).is_default
    assert [key.is_default for key in (await ada.tell("ListKeys")).items] == [False, False, True]
    assert (await ada.tell("GetDefaultKey")).key.id == house.id


async def test_who_was_erased_makes_none_the_default_any_more(
    ada: Person, database: DatabaseUrls
) -> None:
    (house,) = (await ada.tell("ListKeys")).items
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "INSERT INTO owners (user_id, tenant_id, erased_at) VALUES (%s, %s, now())",
            [ada.caller.user_id, ada.caller.tenant_id],
        )
    assert await ada.refused("SetDefaultKey", key_id=house.id) == ("ACCOUNT_DELETED", [])
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT count(*) FROM default_keys").fetchone() == (0,)


async def test_ones_own_goes_before_one_of_the_same_name(ada: Person) -> None:
    own = await ada.create("house")
    assert (await ada.tell("GetKeyByName", name="House")).key.id == own.id
    assert (await ada.resolve(name="HOUSE")).id == own.id
    assert await names(ada) == ["house", "House"]


async def test_the_pages_go_on_from_ones_own_to_the_operators_each_once(
    new_person: Callable[..., Person],
) -> None:
    person = new_person(role="operator", tenant_id=TENANT)
    for count in range(3):
        expected = [f"own {number}" for number in range(count)]
        expected += ["House", "For admins", "For one tenant"]
        for limit in range(1, 8):
            seen: list[str] = []
            cursor, pages = "", 0
            while cursor or not pages:
                page = await person.tell("ListKeys", limit=limit, cursor=cursor, count=True)
                assert page.total == count + 3
                assert 0 < len(page.items) <= limit
                seen += [key.name for key in page.items]
                cursor, pages = page.next_cursor, pages + 1
            assert seen == expected
        await person.create(f"own {count}")


async def test_what_came_of_using_one_is_everybodys(
    ada: Person, new_person: Callable[..., Person]
) -> None:
    bob = new_person()
    (house,) = (await ada.tell("ListKeys")).items
    learnt = [apikey_pb2.Learnt(model="large", parameter="temperature")]
    await ada.chats("ReportUse", key_id=house.id, error_reason="PROVIDER_BUSY", learnt=learnt)
    shown = await bob.get(house.id)
    assert (shown.last_error.reason, list(shown.learnt)) == ("PROVIDER_BUSY", learnt)
    resolved = await bob.resolve(id=house.id)
    assert (resolved.has_error, list(resolved.learnt)) == (True, learnt)
    await bob.chats("ReportUse", key_id=house.id, ok=True)
    assert not (await ada.resolve(id=house.id)).has_error


WHOLE = {
    "name": '"n"',
    "base_url": '"https://a.example"',
    "models": '["m"]',
    "key_file": '"house.key"',
}


def written(**changes: str | None) -> str:
    fields = {**WHOLE, **changes}
    lines = [f"{name} = {value}" for name, value in fields.items() if value is not None]
    return "\n".join(["[[connections]]", *lines, ""])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("connections = 1", "connections: "),
        ("[[connections]", "it is no TOML (at line 1"),
        ('[[connections]]\napi_key = "sk-inline', "it is no TOML (at"),
        (written(api_key='"sk-inline"'), "connection 1: a key does not stand in this file"),
        (written(key='"sk-inline"'), "connection 1: a key does not stand in this file"),
        (written(name=None), "connections 1 name: Field required"),
        (written(name='" "'), "name: REQUIRED"),
        (written(other="1"), "connections 1 other: Extra inputs are not permitted"),
        (written(models="[]"), "connections 1 models: "),
        (written(models='["m", " m"]'), "models: NOT_UNIQUE"),
        (written(models='[""]'), "models: REQUIRED"),
        (written(provider='"google"'), "connections 1 provider: "),
        (written(base_url='"ftp://a"'), "base_url: INVALID_URL"),
        (written(base_url='"http://10.0.0.1"'), "base_url: PROVIDER_ADDRESS_FORBIDDEN"),
        (written(key_file='"absent.key"'), "No such file or directory: "),
        (written(key_file='"empty.key"'), "it is empty"),
        (written(key_file='"odd.key"'), "key_file: INVALID_CHARACTER"),
        (written(key_file='"binary.key"'), "not text in UTF-8: "),
        (written(headers='{ Host = "x" }'), "headers: RESERVED_NAME"),
        (written(parameters="{ temperature = 3.0 }"), "parameters.temperature: TOO_LARGE"),
        (written(parameters='{ model = "m" }'), "connections 1 parameters model: "),
        (written(roles='["everybody"]'), "connections 1 roles 1: "),
        (written(roles="[]"), "connections 1 roles: "),
        (written(tenants='["default"]'), "connections 1 tenants 1: "),
        (written(daily_tokens="0"), "connections 1 daily_tokens: "),
        (written() + written(name='"N"'), "connection 2: another one has this name"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place_and_without_a_secret(
    folder: Path, text: str, problem: str
) -> None:
    (folder / "empty.key").write_text("\n")
    (folder / "odd.key").write_text("sk-inline\nx")
    (folder / "binary.key").write_bytes(b"sk-inline\xff")
    (folder / "connections.toml").write_text(text)
    rules = LoggedAddressRules((), setting="X")
    with pytest.raises(BadFile) as refused:
        ConnectionsReading(Reading(), folder / "connections.toml", rules).connections()
    assert problem in str(refused.value)
    assert "sk-inline" not in str(refused.value)


def test_the_id_is_the_same_for_as_long_as_the_name_is(folder: Path) -> None:
    rules = LoggedAddressRules((), setting="X")

    def read(text: str) -> Any:
        (folder / "connections.toml").write_text(text)
        (one,) = ConnectionsReading(Reading(), folder / "connections.toml", rules).connections()
        return one

    first, same = read(written(name='"House"')), read(written(name='"house"', models='["x"]'))
    assert first.id == same.id
    assert read(written(name='"Garden"')).id != first.id
    # Sessions keep it: it is the same in every version.
    assert str(first.id) == "d58182e8-3959-574f-aec7-27a3f64c097c"
    assert isinstance(first.api_key, Secret)
    assert KEY not in repr(first)


class Replica:
    """The service as a process, whose file is changed under it."""

    def __init__(self, person: Person, process: Any, metrics: str) -> None:
        self.person = person
        self.process = process
        self.metrics = metrics

    async def ready(self) -> dict[str, Any]:
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{self.metrics}/readyz")
        told: dict[str, Any] = answer.json()
        return told

    async def metric(self, name: str) -> float:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{self.metrics}/metrics")).text
        (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    async def shows(self, *expected: str) -> None:
        async def shown() -> bool:
            return await names(self.person) == list(expected)

        await eventually(shown, timeout=60, ignoring=(AppError,))


@pytest_asyncio.fixture(loop_scope="session")
async def replica(
    settings: Settings,
    folder: Path,
    grpc_channel: OpenChannel,
    signer: Signer,
    start_process: StartProcess,
    person_of: Callable[..., Person],
) -> Replica:
    port = free_port()
    process = await start_process(
        *(sys.executable, "-m", "apikey_service"),
        env={**os.environ, **variables_of(settings), "APIKEY_METRICS_PORT": str(port)},
    )
    gateway = await grpc_channel(settings.grpc_port, "apikey-service", as_name="gateway")
    chat = await grpc_channel(settings.grpc_port, "apikey-service", as_name="chat-service")
    person = person_of(gateway, chat, signer.caller())
    return Replica(person, process, f"http://127.0.0.1:{port}")


@pytest.mark.slow
async def test_a_file_that_changes_is_taken_as_a_whole_and_a_wrong_one_changes_nothing(
    replica: Replica, folder: Path, database: DatabaseUrls
) -> None:
    file = folder / "connections.toml"
    await replica.shows("House")
    assert (await replica.ready())["checks"]["connections-file"] == "ok"
    assert await replica.metric("apikey_connections_file_current") == 1

    file.write_text(written(name='"New"') + written(name='"Newer"'))
    await replica.shows("New", "Newer")

    file.write_text(written(name='"Good"') + written(name='"Bad"', models="[]"))

    async def degraded() -> bool:
        return bool((await replica.ready())["status"] == "degraded")

    await eventually(degraded, timeout=60)
    assert (await replica.ready())["checks"]["connections-file"] == "away"
    assert await replica.metric("apikey_connections_file_current") == 0
    assert await names(replica.person) == ["New", "Newer"]
    assert (await replica.person.resolve(name="newer")).api_key == KEY

    # A key that changes in its own file is a change too, and mends nothing of another file.
    file.write_text(written(name='"Mended"'))
    await replica.shows("Mended")
    (folder / "house.key").write_text("another-key-0123456789")

    async def renewed() -> bool:
        return bool((await replica.person.resolve()).api_key == "another-key-0123456789")

    await eventually(renewed, timeout=60)
    assert (await replica.ready())["checks"]["connections-file"] == "ok"

    # Whatever stamps say: SIGHUP reads it anew.
    reads = 'apikey_connections_file_reads_total{outcome="taken"}'
    before = await replica.metric(reads)
    replica.process.send_signal(signal.SIGHUP)

    async def read_anew() -> bool:
        return await replica.metric(reads) > before

    await eventually(read_anew, timeout=60)
    replica.process.send_signal(signal.SIGTERM)
    logs, errors = await replica.process.communicate()
    assert replica.process.returncode == 0
    events = [json.loads(line) for line in logs.decode().splitlines()]
    (refused,) = [event for event in events if event["event"] == "connections.refused"]
    assert refused["level"] == "error"
    assert "connections 2 models" in refused["problem"]
    for secret in (KEY, "another-key-0123456789"):
        assert secret not in logs.decode() + errors.decode()


async def test_a_file_that_is_wrong_at_the_start_is_one_line_and_status_2(
    settings: Settings,
    folder: Path,
    start_process: StartProcess,
) -> None:
    (folder / "connections.toml").write_text(written(api_key='"sk-inline"'))
    for command in ("serve", "check"):
        process = await start_process(
            *(sys.executable, "-m", "apikey_service", command),
            env={**os.environ, **variables_of(settings)},
        )
        _, errors = await process.communicate()
        assert process.returncode == 2
        (line,) = errors.decode().splitlines()
        assert line.startswith("settings: APIKEY_CONNECTIONS_FILE: connection 1: a key does not")
        assert "sk-inline" not in line


async def test_what_came_of_using_one_is_known_at_every_replica(
    ada: Person, settings: Settings, database: DatabaseUrls
) -> None:
    (house,) = (await ada.tell("ListKeys")).items
    learnt = [apikey_pb2.Learnt(model="large", parameter="temperature")]
    await ada.chats("ReportUse", key_id=house.id, error_reason="PROVIDER_BUSY", learnt=learnt)
    worker = Database(database.worker, application_name="test")
    rules = LoggedAddressRules((), setting="APIKEY_ALLOWED_HOSTS")
    elsewhere = ConnectionsInForce(settings.connections_file, rules, Uses(worker))
    await elsewhere.look()
    known = elsewhere.outcome(UUID(house.id))
    assert known.last_error is not None
    assert known.last_error.reason == "PROVIDER_BUSY"
    assert [(one.model, one.parameter) for one in known.learnt] == [("large", "temperature")]
    # And what comes of it later, without any change of the file.
    await ada.chats("ReportUse", key_id=house.id, ok=True)
    await elsewhere.look()
    assert elsewhere.outcome(UUID(house.id)).last_error is None
    await worker.stop()
