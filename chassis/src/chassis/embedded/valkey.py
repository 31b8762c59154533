"""Valkey, which speaks the Redis protocol; what it acknowledges is on disk."""

import socket
from collections.abc import Sequence
from pathlib import Path

from chassis.embedded.binaries import valkey_server
from chassis.embedded.server import EmbeddedServer, NotReady, write_private


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


class EmbeddedValkey(EmbeddedServer):
    """A Redis-compatible server: append-only file synced at each write, nothing evicted."""

    name = "valkey"

    @property
    def url(self) -> str:
        """``redis://`` URL with the password; database 0."""
        return f"redis://:{self.secret}@127.0.0.1:{self.port}/0"

    def _prepare(self) -> None:
        data = self.directory / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        write_private(
            self.directory / "valkey.conf",
            "\n".join(
                [
                    "bind 127.0.0.1",
                    f"port {self.port}",
                    f"requirepass {self.secret}",
                    f"dir {_quoted(data)}",
                    "daemonize no",
                    "appendonly yes",
                    "appendfsync always",
                    'save ""',
                    "maxmemory-policy noeviction",
                    "always-show-logo no",
                    "",
                ]
            ),
        )

    def _command(self) -> Sequence[str]:
        return [str(valkey_server()), str(self.directory / "valkey.conf")]

    def _probe(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            connection.sendall(f"AUTH {self.secret}\r\nPING\r\n".encode())
            answer = b""
            # +OK and +PONG; an error while the append-only file is being loaded.
            while answer.count(b"\r\n") < 2:
                received = connection.recv(4096)
                if not received:
                    break
                answer += received
        if answer != b"+OK\r\n+PONG\r\n":
            raise NotReady(answer.decode(errors="replace").replace(self.secret, "…"))
