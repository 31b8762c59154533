"""PostgreSQL, with passwords (scram-sha-256), UTF-8 and the C locale."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import psycopg

from chassis.embedded.binaries import postgres_bin
from chassis.embedded.credentials import Credentials, choose_credentials
from chassis.embedded.postmaster import clear_stale
from chassis.embedded.process import spawn
from chassis.embedded.server import EmbeddedServer, NotReady, ServerFailed, write_private

SUPERUSER = "postgres"
_INITDB_TIMEOUT = 120.0


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL server on loopback TCP.

    ``fast`` gives up durability for speed: for tests alone. As root, which PostgreSQL refuses,
    it runs in a user namespace, or where that is forbidden as the user ``nobody``.
    """

    name = "postgres"
    # Fast shutdown: clients are disconnected, everything is flushed.
    stop_signal = signal.SIGINT
    # Immediate shutdown: with SIGKILL a busy backend would outlive the postmaster and keep the
    # next one out.
    death_signal = signal.SIGQUIT

    def __init__(self, directory: Path, *, port: int | None = None, fast: bool = False) -> None:
        super().__init__(directory, port=port)
        self._fast = fast
        self._bin: Path | None = None
        self._credentials: Credentials | None = None

    def url(self, user: str, password: str, database: str) -> str:
        """``postgresql://`` URL of ``database`` for ``user``."""
        name, key = quote(user, safe=""), quote(password, safe="")
        return f"postgresql://{name}:{key}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    @property
    def admin_url(self) -> str:
        """The superuser's, database ``postgres``."""
        return self.url(SUPERUSER, self.secret, "postgres")

    @property
    def initialised(self) -> bool:
        """Whether its database cluster exists; the first start makes it."""
        return self._data.exists()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def _prepare(self) -> None:
        if self._bin is None or self._credentials is None:
            self._bin, self._credentials = postgres_bin(), choose_credentials()
        self._credentials.own(self.directory)
        if not self.initialised:
            self._initialise()
        clear_stale(self._data)

    def _initialise(self) -> None:
        assert self._bin is not None
        assert self._credentials is not None
        # In a folder of its own, renamed at the end: a kill in between leaves nothing half made.
        draft, password = self.directory / "data.new", self.directory / "initdb.pw"
        shutil.rmtree(draft, ignore_errors=True)
        write_private(password, self.secret + "\n")
        self._credentials.own(self.directory)
        command = [
            str(self._bin / "initdb"),
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            f"--pwfile={password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--no-instructions",
            *(["--no-sync", "--set=scram_iterations=1"] if self._fast else []),
        ]
        log = self.directory / "initdb.log"
        log.unlink(missing_ok=True)
        process = spawn(command, directory=self.directory, log=log, prefix=self._credentials.prefix)
        try:
            code = process.wait(_INITDB_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        password.unlink()
        if code != 0:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise ServerFailed(f"initdb ended with {code}\n{said}")
        draft.rename(self._data)

    def _prefix(self) -> Sequence[str]:
        assert self._credentials is not None
        return self._credentials.prefix

    def _command(self) -> Sequence[str]:
        assert self._bin is not None
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "400",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # The log must not quote what users wrote.
            "log_min_error_statement": "panic",
            "log_parameter_max_length_on_error": "0",
            "log_checkpoints": "off",
        }
        if self._fast:
            settings |= {
                "fsync": "off",
                "full_page_writes": "off",
                "max_wal_size": "4GB",
                # It would come by whenever it likes: no plan shall depend on the hour.
                "autovacuum": "off",
                # Each test connects anew, and its passwords are worth no work.
                "scram_iterations": "1",
            }
        if sys.platform == "linux" and not os.access("/dev/shm", os.W_OK):
            settings["dynamic_shared_memory_type"] = "mmap"
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [str(self._bin / "postgres"), "-D", str(self._data), *options]

    def _probe(self) -> None:
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            raise NotReady(str(error)) from None
