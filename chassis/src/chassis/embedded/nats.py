"""NATS with JetStream; what it acknowledges is on disk."""

import json
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

from chassis.embedded.binaries import nats_server
from chassis.embedded.server import EmbeddedServer, NotReady, write_private
from chassis.nats_accounts import OPERATOR, Accounts

#: An owner, and nobody beside it: for who comes as the operator alone.
ALONE = Accounts(owner="owner", publishes={}, consumes={})


class EmbeddedNats(EmbeddedServer):
    """A NATS server with JetStream, synced at each write; clients show a name and a password.

    Each service of ``accounts`` may do what it needs; the operator may do everything with the
    stream. A password is made when it is first asked for, and kept in ``users/NAME``, mode 0600:
    without that file there is a new one at the next start.
    """

    name = "nats"

    def __init__(
        self, directory: Path, *, port: int | None = None, accounts: Accounts = ALONE
    ) -> None:
        super().__init__(directory, port=port)
        self._accounts = accounts

    @property
    def url(self) -> str:
        """``nats://`` URL with the operator's name and password."""
        return self.url_of(OPERATOR)

    @property
    def secret(self) -> str:
        """The operator's password."""
        return self._password(OPERATOR)

    def url_of(self, name: str) -> str:
        """The URL of this user, of the operator or of a service among the accounts."""
        # Not a bare token: what takes passwords out of logs knows ``user:password@``.
        return f"nats://{name}:{self._password(name)}@127.0.0.1:{self.port}"

    def _password(self, name: str) -> str:
        path = self.directory / "users" / name
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, secrets.token_urlsafe(32) + "\n")
        return path.read_text(encoding="ascii").strip()

    def _prepare(self) -> None:
        store = self.directory / "data"
        store.mkdir(mode=0o700, exist_ok=True)
        self._accounts.adopt(store)
        # The one password that every service had before each had its own.
        (self.directory / "secret").unlink(missing_ok=True)
        names = (OPERATOR, *self._accounts.names)
        # JSON is a subset of the server's own notation.
        configuration = {
            "server_name": "parley-embedded",
            "host": "127.0.0.1",
            "port": self.port,
            "accounts": self._accounts.configuration(
                {name: self._password(name) for name in names}
            ),
            # The default is to sync every two minutes: a power failure would lose messages
            # that were acknowledged.
            "jetstream": {"store_dir": str(store), "sync_interval": "always"},
        }
        write_private(self.directory / "nats.conf", json.dumps(configuration, indent=2) + "\n")

    def _command(self) -> Sequence[str]:
        return [str(nats_server()), "-c", str(self.directory / "nats.conf")]

    def _probe(self) -> None:
        options = json.dumps({"user": OPERATOR, "pass": self._password(OPERATOR), "verbose": False})
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
