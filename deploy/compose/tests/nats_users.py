"""Services as NATS knows them, and what one of them tries that is another's."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from chassis.embedded import EmbeddedNats, free_port
from chassis.embedded.binaries import nats_server
from parley.events.rights import CONSUMES, PUBLISHES
from parley_compose.distribution import distribute
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
        distribute(self.volumes, Uids(postgres=uid, redis=uid, parley=uid))

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
