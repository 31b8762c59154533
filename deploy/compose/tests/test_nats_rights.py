"""What somebody can do on NATS who has stolen the password of one service: its own work alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats
import pytest
import pytest_asyncio
import yaml
from nats.js import JetStreamContext

from chassis.embedded import EmbeddedNats, EmbeddedServer, free_port
from chassis.embedded.binaries import nats_server
from chassis.jetstream import JetStream
from chassis.testing.eventually import eventually
from parley.events.rights import CONSUMES, PUBLISHES
from parley_compose.handout import hand_out
from parley_compose.layout import Uids
from parley_local.topology import ACCOUNTS

COMPOSE = Path(__file__).parents[3] / "docker-compose.yml"
STREAM = "parley_events"
OTHERS = ("apikey-service", "chat-service", "notes-service")
SERVICES = ("auth-service", *OTHERS)


class NatsOfCompose(EmbeddedNats):
    """nats-server with the file that the job `secrets` hands out, at a place of this test's."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, port=free_port())
        self.volumes = directory / "volumes"
        self.volumes.mkdir(parents=True)
        uid = directory.stat().st_uid
        hand_out(self.volumes, Uids(postgres=uid, redis=uid, parley=uid))

    def url_of(self, name: str) -> str:
        if name in SERVICES:
            handed = (self.volumes / name / "nats_url").read_text()
            return handed.replace("@nats:4222", f"@127.0.0.1:{self.port}")
        return f"nats://{name}:{self._password(name)}@127.0.0.1:{self.port}"

    def _password(self, name: str) -> str:
        return (self.volumes / "kept" / f"nats_{name}.password").read_text()

    def _command(self) -> Sequence[str]:
        services = yaml.safe_load(COMPOSE.read_text())["services"]
        shell, option, line = services["nats"]["command"]
        for there, here in (
            ("$$", "$"),
            ("/data/", f"{self.directory}/data/"),
            ("nats-server --config /run/parley", f"{nats_server()} --config {self.directory}"),
        ):
            assert there in line
            line = line.replace(there, here)
        return [shell, option, line]

    def _prepare(self) -> None:
        configuration = json.loads((self.volumes / "nats" / "nats.conf").read_text())
        configuration |= {"host": "127.0.0.1", "port": self.port}
        configuration["http"] = f"127.0.0.1:{free_port()}"
        configuration["jetstream"]["store_dir"] = str(self.directory / "data")
        (self.directory / "nats.conf").write_text(json.dumps(configuration))


class NatsOfBefore(EmbeddedNats):
    """As it was configured when every service came with the one password in `secret`."""

    def _password(self, name: str) -> str:
        return "the old password"

    def _prepare(self) -> None:
        configuration = {
            "host": "127.0.0.1",
            "port": self.port,
            "authorization": {"user": "operator", "password": "the old password"},
            "jetstream": {"store_dir": str(self.directory / "data"), "sync_interval": "always"},
        }
        (self.directory / "nats.conf").write_text(json.dumps(configuration))
        (self.directory / "secret").write_text("the old password")


def make(kind: str, directory: Path) -> EmbeddedNats:
    if kind == "compose":
        return NatsOfCompose(directory)
    return EmbeddedNats(directory, accounts=ACCOUNTS)


@pytest.fixture(scope="module", params=["compose", "make run"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    made = make(request.param, tmp_path_factory.mktemp("nats"))
    made.start()
    yield made
    made.stop()


@pytest_asyncio.fixture
async def owner(server: EmbeddedNats) -> AsyncIterator[JetStream]:
    """What auth-service keeps, with its own password; three deletions wait for everybody."""
    keeps = {
        name: subject for consumers in CONSUMES.values() for name, subject in consumers.items()
    }
    owner = JetStream(
        server.url_of("auth-service"), prefix="parley", name="auth-service", keeps=keeps
    )
    await owner.start()
    await owner.wait_ready()
    for _ in range(3):
        await owner.publish("parley.user.deleted", b"somebody", f"{id(owner)} {_}")
    yield owner
    await owner.stop()


@pytest_asyncio.fixture
async def operator(server: EmbeddedNats, owner: JetStream) -> AsyncIterator[JetStreamContext]:
    """Sees everything; empties the stream for the next test."""
    client = await nats.connect(server.url, allow_reconnect=False)
    stream = client.jetstream()
    yield stream
    await stream.delete_stream(STREAM)
    await client.close()


class Thief:
    """A bare connection with a service's password: it says what it likes, and hears all of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator["Thief"]:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        thief = cls(reader, writer)
        options = {"user": place.username, "pass": place.password, "verbose": False}
        options |= {"headers": True, "no_responders": True}
        writer.write(f"CONNECT {json.dumps(options)}\r\n".encode())
        try:
            yield thief
        finally:
            writer.close()
            with suppress(OSError):  # the server may have closed it first
                await writer.wait_closed()

    async def hears(self) -> str:
        """Everything that came until the server had read all that was said."""
        self._writer.write(b"PING\r\n")
        heard = ""
        async with asyncio.timeout(20):
            while not heard.endswith("PONG\r\n"):
                line = (await self._reader.readline()).decode(errors="replace")
                if not line:
                    return heard
                heard += line
        return heard

    async def is_turned_away(self) -> None:
        # Nothing is said meanwhile: what comes after the end would take the server's words away.
        async with asyncio.timeout(20):
            said = (await self._reader.read()).decode()
        assert said.endswith("-ERR 'Authorization Violation'\r\n"), said

    async def publishes(self, subject: str, payload: bytes = b"", reply: str = "") -> str:
        self._writer.write(f"PUB {subject} {reply} {len(payload)}\r\n".encode() + payload + b"\r\n")
        return await self.hears()

    async def publishes_with(self, subject: str, header: str, payload: bytes) -> str:
        head = f"NATS/1.0\r\n{header}\r\n\r\n".encode()
        self._writer.write(
            f"HPUB {subject} {len(head)} {len(head) + len(payload)}\r\n".encode()
            + head
            + payload
            + b"\r\n"
        )
        return await self.hears()

    async def subscribes(self, subject: str) -> str:
        self._writer.write(f"SUB {subject} 1\r\n".encode())
        return await self.hears()

    async def is_answered(self, subject: str, payload: bytes, inbox: str) -> None:
        """Returns once there is an answer: what was asked on that subject before is done."""
        self._writer.write(f"SUB {inbox} 9\r\n".encode())
        heard = await self.publishes(subject, payload, inbox)
        async with asyncio.timeout(20):
            while "MSG " not in heard:
                heard += await self.hears()
                await asyncio.sleep(0.01)
        assert "-ERR" not in heard
        self._writer.write(b"UNSUB 9\r\n")


def own_subjects(thief: str) -> list[str]:
    return [f"parley.{subject}" for subject in PUBLISHES[thief]]


def forbidden_publishes(thief: str) -> list[tuple[str, bytes]]:
    """Each with what makes it do harm, if it is let through."""
    create = {"deliver_policy": "all", "ack_policy": "none", "deliver_subject": f"_INBOX.{thief}.x"}
    subjects: list[tuple[str, bytes]] = [
        (f"parley.{name}", b"forged")
        for name in ("user.erased", "user.other", "x", *(f"user.erased.{each}" for each in OTHERS))
    ]
    subjects += [(f"parley.audit.{each}", b"forged") for each in OTHERS]
    subjects.append(("parley.user.deleted", b"forged"))
    subjects = [(subject, body) for subject, body in subjects if subject not in own_subjects(thief)]
    subjects += [
        (f"$JS.API.STREAM.{verb}.{STREAM}", body)
        for verb, body in (
            ("DELETE", b""),
            ("PURGE", b""),
            ("MSG.GET", b'{"seq":1}'),
            ("MSG.DELETE", b'{"seq":1}'),
            ("SNAPSHOT", json.dumps({"deliver_subject": f"_INBOX.{thief}.x"}).encode()),
            ("RESTORE", b"{}"),
            ("LEADER.STEPDOWN", b""),
        )
    ]
    subjects += [
        ("$JS.API.STREAM.CREATE.other", b'{"name":"other","subjects":["other"]}'),
        (f"$JS.API.DIRECT.GET.{STREAM}", b'{"seq":1}'),
        (f"$JS.API.DIRECT.GET.{STREAM}.parley.user.deleted", b""),
        ("$JS.API.STREAM.NAMES", b""),
        ("$JS.API.STREAM.LIST", b""),
        ("$JS.API.INFO", b""),
        ("$JS.API.ACCOUNT.PURGE.auth-service", b""),
        (f"$JS.API.CONSUMER.LIST.{STREAM}", b""),
        (f"$JS.API.CONSUMER.NAMES.{STREAM}", b""),
        (
            f"$JS.API.CONSUMER.DURABLE.CREATE.{STREAM}.mine",
            json.dumps(
                {"stream_name": STREAM, "config": {**create, "durable_name": "mine"}}
            ).encode(),
        ),
        ("$SYS.REQ.SERVER.PING", b""),
        ("$SYS.REQ.ACCOUNT.auth-service.CONNZ", b""),
    ]
    for name, consumers in CONSUMES.items():
        for durable in consumers:
            subjects += [
                (f"$JS.API.CONSUMER.{verb}.{STREAM}.{durable}", body)
                for verb, body in (
                    ("DELETE", b""),
                    ("INFO", b""),
                    ("PAUSE", b'{"pause_until":"2099-01-01T00:00:00Z"}'),
                    ("RESET", b""),
                    ("UNPIN", b'{"group":"x"}'),
                )
            ]
            if name != thief:
                subjects += [
                    (f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{durable}", b'{"batch":1}'),
                    *(
                        (f"$JS.ACK.{STREAM}.{durable}.1.1.1.1.0", word)
                        for word in (b"+ACK", b"-NAK", b"+TERM", b"+NXT")
                    ),
                ]
        if name != thief:
            subjects.append((f"_INBOX.{name}.x", b"an answer"))
    if thief != "auth-service":  # which makes the stream and the consumers
        subjects += [
            (f"$JS.API.STREAM.INFO.{STREAM}", b""),
            (f"$JS.API.STREAM.CREATE.{STREAM}", b'{"name":"parley_events"}'),
            (
                f"$JS.API.STREAM.UPDATE.{STREAM}",
                b'{"name":"parley_events","subjects":["parley.>"],"max_msgs":1}',
            ),
        ]
        for suffix in ("", ".mine", ".mine.parley.>", f".{thief}-user-deleted.parley.user.deleted"):
            name = suffix.split(".")[1] if suffix else ""
            config = create | ({"name": name} if name else {})
            config |= {"durable_name": name} if name.endswith("-user-deleted") else {}
            body = json.dumps({"stream_name": STREAM, "config": config}).encode()
            subjects.append((f"$JS.API.CONSUMER.CREATE.{STREAM}{suffix}", body))
    return subjects


async def state_of(operator: JetStreamContext) -> dict[str, Any]:
    """The stream, its messages, and where each consumer stands."""
    info = await operator.stream_info(STREAM, subjects_filter=">")
    consumers = await operator.consumers_info(STREAM)
    return {
        "config": info.config.as_dict(),
        "subjects": info.state.subjects,
        "first": info.state.first_seq,
        "streams": [each.config.name for each in await operator.streams_info()],
        "consumers": {
            each.name: (
                each.config.as_dict(),
                each.num_pending,
                each.num_ack_pending,
                each.ack_floor and each.ack_floor.stream_seq,
                each.delivered and each.delivered.stream_seq,
            )
            for each in consumers
        },
    }


@pytest.mark.parametrize("thief", SERVICES)
async def test_what_is_not_a_services_own_cannot_be_published(
    server: EmbeddedNats, operator: JetStreamContext, thief: str
) -> None:
    before = await state_of(operator)
    assert before["subjects"] == {"parley.user.deleted": 3}
    async with Thief.at(server.url_of(thief)) as stolen:
        let_through = []
        for subject, payload in forbidden_publishes(thief):
            heard = await stolen.publishes(subject, payload, f"_INBOX.{thief}.answer")
            if f"-ERR 'Permissions Violation for Publish to \"{subject}\"'" not in heard:
                let_through.append(subject)
        assert let_through == []
        assert await state_of(operator) == before


@pytest.mark.parametrize("thief", SERVICES)
async def test_what_is_not_a_services_own_cannot_be_listened_to(
    server: EmbeddedNats, operator: JetStreamContext, thief: str
) -> None:
    assert await state_of(operator)
    others = [name for name in SERVICES if name != thief]
    async with Thief.at(server.url_of(thief)) as stolen:
        for subject in (
            *(">", "*", "*.>", "*.*", "parley.>", "parley.user.deleted", "parley.user.erased.>"),
            *("$SYS.>", "$SYS.ACCOUNT.auth-service.>", "$JS.>", "$JS.API.>", "$JS.ACK.>"),
            *("$JS.EVENT.ADVISORY.>", "_INBOX.>", "_INBOX.*.>", "_R_.>"),
            *(f"_INBOX.{name}.>" for name in others),
        ):
            heard = await stolen.subscribes(subject)
            assert f"-ERR 'Permissions Violation for Subscription to \"{subject}\"'" in heard


@pytest.mark.parametrize("thief", OTHERS)
async def test_no_reply_to_what_a_service_may_say_reaches_what_it_may_not(
    server: EmbeddedNats, operator: JetStreamContext, thief: str
) -> None:
    """The server answers with rights of its own: a reply subject is as good as a publish."""
    durable, confirm = f"{thief}-user-deleted", f"parley.user.erased.{thief}"
    pull = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{durable}"
    ack = f"$JS.ACK.{STREAM}.{durable}.1.1.1.1.0"
    before = await state_of(operator)
    victims = [name for name in OTHERS if name != thief]
    async with Thief.at(server.url_of(thief)) as stolen:
        for reply in (
            *("parley.user.deleted", "parley.user.erased"),
            *(f"parley.user.erased.{name}" for name in victims),
            *(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in ("PURGE", "DELETE")),
            *(f"$JS.API.CONSUMER.DELETE.{STREAM}.{name}-user-deleted" for name in victims),
            *(f"$JS.ACK.{STREAM}.{name}-user-deleted.1.1.1.1.0" for name in victims),
            *(f"_INBOX.{name}.x" for name in ("auth-service", *victims)),
        ):
            # Answered by a receipt in JSON, a message of the stream, and by nothing at all.
            for subject, payload in (
                (confirm, b"mine"),
                (pull, b'{"batch":1}'),
                (ack, b"+ACK"),
                (ack, b"+NXT"),
            ):
                # Some replies the server refuses by itself.
                refused = f"-ERR 'Permissions Violation for Publish with Reply of \"{reply}\"'"
                heard = await stolen.publishes(subject, payload, reply)
                assert "-ERR" not in heard.replace(refused, "")
        await stolen.is_answered(confirm, b"mine", f"_INBOX.{thief}.1")
        await stolen.is_answered(pull, b'{"batch":1,"no_wait":true}', f"_INBOX.{thief}.2")
        await stolen.is_answered(ack, b"+ACK", f"_INBOX.{thief}.3")
        after = await state_of(operator)
    assert set(after["subjects"]) == {"parley.user.deleted", confirm}
    assert after["subjects"]["parley.user.deleted"] == 3
    assert (after["first"], after["config"], after["streams"]) == (
        before["first"],
        before["config"],
        before["streams"],
    )
    assert {
        name for name in after["consumers"] if after["consumers"][name] != before["consumers"][name]
    } <= {
        durable,
        # They have more to hear, and nothing else has changed.
        f"auth-service-user-erased-by-{thief}",
    }
    assert set(after["consumers"]) == set(before["consumers"])


@pytest.mark.parametrize("thief", OTHERS)
@pytest.mark.parametrize(
    "header",
    [
        "Nats-Rollup: all",
        "Nats-Schedule: @at 2020-01-01T00:00:00Z\r\nNats-Schedule-Target: parley.user.deleted",
    ],
)
async def test_no_header_of_a_services_own_events_touches_other_events(
    server: EmbeddedNats, operator: JetStreamContext, thief: str, header: str
) -> None:
    confirm = f"parley.user.erased.{thief}"
    async with Thief.at(server.url_of(thief)) as stolen:
        assert "-ERR" not in await stolen.publishes_with(confirm, header, b"mine")
        await stolen.is_answered(confirm, b"mine", f"_INBOX.{thief}.1")
        subjects = (await state_of(operator))["subjects"]
    assert subjects["parley.user.deleted"] == 3
    assert set(subjects) == {"parley.user.deleted", confirm}


@pytest.mark.parametrize("service", OTHERS)
async def test_a_service_can_do_its_own_work(
    server: EmbeddedNats, operator: JetStreamContext, service: str
) -> None:
    client = await nats.connect(
        server.url_of(service), allow_reconnect=False, inbox_prefix=f"_INBOX.{service}"
    )
    stream = client.jetstream()
    pulls = await stream.pull_subscribe_bind(f"{service}-user-deleted", stream=STREAM)
    for _ in range(3):
        (message,) = await pulls.fetch(1, timeout=20)
        assert (message.subject, message.data) == ("parley.user.deleted", b"somebody")
        await message.in_progress()
        await message.ack_sync(timeout=20)
    receipt = await stream.publish(f"parley.user.erased.{service}", b"mine", timeout=20)
    assert receipt.stream == STREAM
    stored = await operator.get_msg(STREAM, receipt.seq)
    assert (stored.subject, stored.data) == (f"parley.user.erased.{service}", b"mine")

    async def handled() -> bool:
        info = await operator.consumer_info(STREAM, f"{service}-user-deleted")
        return (info.num_pending, info.num_ack_pending) == (0, 0)

    await eventually(handled)
    await client.close()


@pytest.mark.parametrize("user", ["parley:{old}", "gateway:{old}", "notes-service:{old}", "", ":"])
async def test_nobody_else_gets_in(server: EmbeddedNats, user: str) -> None:
    place = server.url.rpartition("@")[2]
    who = user.format(old=urlsplit(server.url_of("apikey-service")).password)
    async with Thief.at(f"nats://{who}@{place}") as stranger:
        await stranger.is_turned_away()


@pytest.mark.parametrize("kind", ["compose", "make run"])
async def test_what_was_stored_before_each_service_had_a_user_is_still_there(
    kind: str, tmp_path: Path
) -> None:
    before = NatsOfBefore(tmp_path)
    await asyncio.to_thread(before.start)
    client = await nats.connect(
        f"nats://127.0.0.1:{before.port}",
        user="operator",
        password="the old password",
        allow_reconnect=False,
    )
    stream = client.jetstream()
    await stream.add_stream(name=STREAM, subjects=["parley.>"])
    pulls = await stream.pull_subscribe(
        "parley.user.deleted", durable="notes-service-user-deleted", stream=STREAM
    )
    for payload in (b"handled", b"not yet"):
        await stream.publish("parley.user.deleted", payload)
    (handled,) = await pulls.fetch(1, timeout=20)
    await handled.ack_sync(timeout=20)
    await client.close()
    await asyncio.to_thread(before.stop)

    server = make(kind, tmp_path)
    # What was adopted once is there at every start.
    for _ in range(2):
        await asyncio.to_thread(server.restart)
        async with Thief.at(f"nats://operator:the old password@127.0.0.1:{server.port}") as thief:
            await thief.is_turned_away()
    owner = JetStream(
        server.url_of("auth-service"),
        prefix="parley",
        name="auth-service",
        keeps=CONSUMES["notes-service"],
    )
    await owner.start()
    await owner.wait_ready()
    await owner.stop()
    notes = await nats.connect(
        server.url_of("notes-service"),
        inbox_prefix="_INBOX.notes-service",
        allow_reconnect=False,
    )
    bound = await notes.jetstream().pull_subscribe_bind("notes-service-user-deleted", stream=STREAM)
    (message,) = await bound.fetch(1, timeout=20)
    assert (message.data, message.metadata.sequence.stream) == (b"not yet", 2)
    await notes.close()
    await asyncio.to_thread(server.stop)
