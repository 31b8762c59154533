"""`python -m bench.uploads`: uploads a large file, and prints by how much gateway and chat-service grew.

A text of so many bytes goes through the gateway of a Parley of the bench's own, and comes back; memory is looked at
twenty times a second. It is kept in a folder of the bench's own, or at ``--place``, which is a line of the file of terms:
``bucket: {name: …, endpoint: …, spool: …, …}``.
"""

import argparse
import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import orjson

from bench import procfs
from bench.rest import RefusedError
from bench.stack import Stack, data_folder, stack

_WATCHED = ("gateway", "chat_service")
_PIECE = 1024 * 1024
_BOUNDARY = "parley-bench"
_SETTLE_SECONDS = 2.0


class Growth:
    """The most memory of some processes above what they had, in MiB of proportional set size."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._before = self._look()
        self.most = dict.fromkeys(pids, 0.0)

    def _look(self) -> dict[str, float]:
        return {name: procfs.pss_kib(pid) / 1024 for name, pid in self._pids.items()}

    @property
    def before(self) -> dict[str, float]:
        return self._before

    @contextmanager
    def watched(self) -> Iterator[None]:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.05):
                for name, now in self._look().items():
                    self.most[name] = max(self.most[name], now - self._before[name])

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.uploads", description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the file (1024)")
    parser.add_argument("--place", help="where files are kept (a folder of the bench's own)")
    arguments = parser.parse_args()
    size = arguments.mib * 1024 * 1024
    with data_folder() as folder:
        place = arguments.place or f"folder: {folder}/files"
        terms = folder / "files.yaml"
        terms.write_text(f"files: {{maximum_bytes: {size}, quota_bytes: {2 * size}, {place}}}\n")
        settings = {"CHAT_FILES_FILE": str(terms), "CHAT_FILES_DIR": ""}
        with stack(folder, settings) as parley:
            print(report(parley, folder / "files", size))


def report(parley: Stack, folder: Path, size: int) -> str:
    token = parley.parley.new_user("http://127.0.0.1:1/v1").token
    _upload(parley.parley.port, token, 64 * 1024)  # what is loaded once
    time.sleep(_SETTLE_SECONDS)
    services = parley.services()
    growth = Growth({name: services[name] for name in _WATCHED})
    cpu = _cpu(services)
    began = time.monotonic()
    with growth.watched():
        file, digest = _upload(parley.parley.port, token, size)
    up = time.monotonic() - began
    spent = {name: now - cpu[name] for name, now in _cpu(services).items()}
    began = time.monotonic()
    down = Growth({name: services[name] for name in _WATCHED})
    with down.watched():
        came = _download(parley.parley.port, token, file["id"])
    took = time.monotonic() - began
    if not (file["size"] == size and file["sha256"] == digest == came):
        raise RefusedError("what was kept, or came back, is not what was sent")
    kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{size / 1024**2:g} MiB up in {up:.1f} s, down in {took:.1f} s; {kept / 1024**2:.1f} MiB on the disk",
        *(
            f"{name}: PSS {growth.before[name]:.1f} MiB, + {growth.most[name]:.1f} up,"
            f" + {down.most[name]:.1f} down; CPU of the upload {spent[name]:.2f} s"
            for name in _WATCHED
        ),
        f"both: + {sum(growth.most.values()):.1f} MiB at most while it was uploaded",
    ]
    return "\n".join(lines)


def _cpu(services: dict[str, int]) -> dict[str, float]:
    return {name: procfs.process(services[name]).cpu for name in _WATCHED}


def _upload(port: int, token: str, size: int) -> tuple[dict[str, object], str]:
    """The file as it is shown, and the digest of what was sent."""
    head = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="big.txt"\r\n\r\n'
    ).encode()
    tail = f"\r\n--{_BOUNDARY}--\r\n".encode()
    line = os.urandom(32).hex().encode() + b"\n"
    piece = (line * (_PIECE // len(line) + 1))[:_PIECE]
    digest = sha256()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.putrequest("POST", "/api/v1/files")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={_BOUNDARY}")
    connection.putheader("Content-Length", str(len(head) + size + len(tail)))
    connection.endheaders(head)
    left = size
    while left:
        part = piece[:left]
        digest.update(part)
        connection.send(part)
        left -= len(part)
    connection.send(tail)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    if answer.status != 201:
        raise RefusedError(f"{answer.status} {content[:500].decode()}")
    return orjson.loads(content), digest.hexdigest()


def _download(port: int, token: str, file_id: object) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request(
        "GET", f"/api/v1/files/{file_id}/content", headers={"Authorization": f"Bearer {token}"}
    )
    answer = connection.getresponse()
    digest = sha256()
    while piece := answer.read(_PIECE):
        digest.update(piece)
    connection.close()
    return digest.hexdigest()


if __name__ == "__main__":
    main()
