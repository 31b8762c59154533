"""Uploads that are cut at every stage, many at once: nothing of them is left, and no half of one is ever served."""

import asyncio
import re
import socket
import struct
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

import pytest

from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import Cluster

_SIZE = 400_000
_EACH = 5  # of a user at once
_BOUNDARY = "cut-here"
# A sweep a minute, and what a killed process was at is held for 40 s.
_SWEPT_SECONDS = 180.0
# Too much from one address, and longer than half a minute in line for one of those that read files.
_LATER = {"TOO_MUCH_IN_BODIES", "FILE_READERS_BUSY"}


@dataclass
class Upload:
    """One upload: of which content, and how much of its request is sent; None: all, and its answer is read."""

    user: User
    content: bytes
    cut: int | None
    reset: bool
    answer: bytes = b""

    @property
    def form(self) -> bytes:
        head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        return head.encode() + self.content + f"\r\n--{_BOUNDARY}--\r\n".encode()

    async def send(self, gateway: str) -> None:
        host, port = gateway.removeprefix("http://").split(":")
        head = (
            f"POST /api/v1/files HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            f"Authorization: Bearer {self.user.token}\r\n"
            f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
            f"Content-Length: {len(self.form)}\r\n\r\n"
        ).encode()
        request = head + self.form
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, (host, int(port)))
            with suppress(ConnectionError):
                sent = request if self.cut is None else request[: len(head) + self.cut]
                for at in range(0, len(sent), 50_000):
                    await loop.sock_sendall(client, sent[at : at + 50_000])
                    await asyncio.sleep(0)
                while self.cut is None and (piece := await loop.sock_recv(client, 65536)):
                    self.answer += piece
            if self.cut is not None and self.reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @property
    def status(self) -> int:
        return int(self.answer[9:12] or b"0")

    @property
    def refusal(self) -> str:
        """The reason of a refusal that says when to come again; else the status."""
        reason = re.search(rb'"reason":"([A-Z_]+)"', self.answer)
        later = b"\r\nretry-after: " in self.answer.lower()
        return reason[1].decode() if reason and later else str(self.status)


def plan(users: list[User], count: int, random: Random) -> list[Upload]:
    """A quarter of them whole; the others cut before, in and behind their content."""
    uploads = []
    for number in range(count):
        line = b"%032x\n" % random.getrandbits(128)
        content = (line * (_SIZE // len(line) + 1))[:_SIZE]
        length = len(Upload(users[0], content, None, reset=False).form)
        stages = (
            None,
            random.randrange(100),
            random.randrange(_SIZE),
            length - random.randrange(60),
        )
        uploads.append(
            Upload(users[number % len(users)], content, stages[number % 4], random.random() < 0.5)
        )
    return uploads


class Watcher:
    """Reads whatever is listed, all the time: each file is one that was sent, to its last byte."""

    def __init__(self, uploads: list[Upload]) -> None:
        self._sent = {sha256(one.content).hexdigest(): one for one in uploads}
        self.seen: set[str] = set()

    async def look(self, user: User) -> int:
        """How many files of the user there are; fails where one is not whole."""
        listed = await asyncio.to_thread(user.http.get, "/api/v1/files?limit=100")
        if listed.status_code != 200:
            return -1
        files: list[dict[str, Any]] = listed.json()["items"]
        for file in files:
            sent = self._sent[file["sha256"]]
            assert (file["size"], sent.user.id) == (_SIZE, user.id)
            if file["id"] not in self.seen:
                got = await asyncio.to_thread(user.http.get, f"/api/v1/files/{file['id']}/content")
                if got.status_code == 200:
                    assert got.content == sent.content
                    self.seen.add(file["id"])
        return len(files)

    async def keep_looking(self, users: list[User]) -> None:
        while True:
            for user in users:
                await self.look(user)
            await asyncio.sleep(0.05)


async def storm(cluster: Cluster, count: int, *, kill: bool) -> None:
    users = [User(cluster.gateways[number % 2]) for number in range(-(-count // _EACH))]
    uploads = plan(users, count, Random(count))
    watcher = Watcher(uploads)
    watching = asyncio.create_task(watcher.keep_looking(users))
    sending = [
        asyncio.create_task(one.send(cluster.gateways[number % 2]))
        for number, one in enumerate(uploads)
    ]
    if kill:
        await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        cluster.members("chat_service")[0].process.kill()
    await asyncio.gather(*sending)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    await cluster.settle()

    stored = cluster.data / "files"

    def nothing_more() -> bool:
        rows = cluster.query(
            "SELECT user_id, id, state FROM files WHERE user_id = ANY(%s::uuid[])", ids
        )
        keys = {f"{user}/{file}" for user, file, state in rows}
        found = {
            f"{user}/{path.name}"
            for user in ids
            if (stored / user).is_dir()
            for path in (stored / user).iterdir()
        }
        assert {state for _, _, state in rows} <= {"ready"}
        assert found == keys
        assert not list((stored / ".spool").iterdir())
        return True

    ids = [user.id for user in users]
    await eventually(nothing_more, timeout=_SWEPT_SECONDS)
    kept = sum([await watcher.look(user) for user in users])
    told = sum(one.status == 201 for one in uploads)
    whole = sum(one.cut is None for one in uploads)
    print(
        f"{count} uploads: {told} answered, {kept} kept, of {whole} that were sent whole; kill: {kill}"
    )
    # What was answered is there; what was cut in its last bytes may be, whole.
    assert told <= kept <= whole + count // 4
    if not kill:
        # However busy the machine is, whoever is not answered is told when to come again.
        refused = Counter(one.refusal for one in uploads if one.cut is None and one.status != 201)
        assert refused.keys() <= _LATER, refused
        assert told > 0
    for user in users:
        user.close()


async def test_uploads_that_are_cut_leave_nothing_and_no_half_is_served(cluster: Cluster) -> None:
    await storm(cluster, 24, kill=False)


@pytest.mark.faults
@pytest.mark.parametrize("kill", [False, True])
async def test_two_hundred_uploads_that_are_cut_leave_nothing(cluster: Cluster, kill: bool) -> None:
    await storm(cluster, 200, kill=kill)
