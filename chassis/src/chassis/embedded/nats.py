"""NATS with JetStream; what it acknowledges is on disk."""

import json
import socket
from collections.abc import Sequence

from chassis.embedded.binaries import nats_server
from chassis.embedded.server import EmbeddedServer, NotReady, write_private

_USER = "parley"


class EmbeddedNats(EmbeddedServer):
    """A NATS server with JetStream, synced at each write; clients show a password."""

    name = "nats"

    @property
    def url(self) -> str:
        """``nats://`` URL with name and password."""
        # Not a bare token: what takes passwords out of logs knows ``user:password@``.
        return f"nats://{_USER}:{self.secret}@127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        store = self.directory / "data"
        store.mkdir(mode=0o700, exist_ok=True)
        # JSON is a subset of the server's own notation.
        configuration = {
            "server_name": "parley-embedded",
            "host": "127.0.0.1",
            "port": self.port,
            "authorization": {"user": _USER, "password": self.secret},
            # The default is to sync every two minutes: a power failure would lose messages
            # that were acknowledged.
            "jetstream": {"store_dir": str(store), "sync_interval": "always"},
        }
        write_private(self.directory / "nats.conf", json.dumps(configuration, indent=2) + "\n")

    def _command(self) -> Sequence[str]:
        return [str(nats_server()), "-c", str(self.directory / "nats.conf")]

    def _probe(self) -> None:
        options = json.dumps({"user": _USER, "pass": self.secret, "verbose": False})
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection,
            connection.makefile("rb") as lines,
        ):
            greeting = lines.readline()
            connection.sendall(f"CONNECT {options}\r\nPING\r\n".encode())
            answer = lines.readline()
        if not greeting.startswith(b"INFO ") or answer != b"PONG\r\n":
            raise NotReady(answer.decode(errors="replace"))
        if not json.loads(greeting[5:]).get("jetstream"):
            raise NotReady("JetStream is not enabled yet")
