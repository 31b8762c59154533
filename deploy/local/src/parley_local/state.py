"""The folder that keeps everything: servers' data, certificates, keys and passwords."""

import base64
import fcntl
import json
import os
import pwd
import secrets
import time
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from chassis.embedded.server import write_private
from chassis.tls import issue
from parley_local.topology import MEMBERS, SERVICES

ROLES = ("owner", "app", "worker")


class StateError(Exception):
    """The folder cannot be used; the message is for the terminal."""


class State:
    """The data folder, locked for this process: one runner at a time.

    Nothing in it is ever made anew while it exists: stored keys are sealed with ``vault.key``.
    """

    def __init__(self, directory: Path, *, url: str | None = None, other_port: int = 8010) -> None:
        """Whoever finds it locked is told ``url``, where this runner is reached; whoever is refused
        is offered ``other_port`` for a second one.
        """
        self.directory = directory.absolute()
        self._url = url
        self._other_port = other_port
        self._lock: int | None = None

    @property
    def shown(self) -> str:
        """The folder as one would type it from here."""
        here = Path.cwd()
        inside = self.directory.is_relative_to(here)
        return str(self.directory.relative_to(here) if inside else self.directory)

    def claim(self) -> None:
        """Lock the folder if it is there, and make nothing. Raises StateError where it is another
        user's, or another runner has it.
        """
        try:
            self._check_owner()
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            return  # there is none, or `open` says what is wrong with it
        self._hold(descriptor)

    def open(self) -> None:
        """Make the folder if need be, and lock it. Raises StateError."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{self.shown} cannot be made: {error.strerror}") from None
        self._check_owner()
        try:
            self.directory.chmod(0o700)
            self._take_lock()
        except OSError as error:
            raise StateError(f"{error.filename or self.shown}: {error.strerror}") from None

    def _check_owner(self) -> None:
        owner = self.directory.stat().st_uid
        if owner != os.geteuid():
            raise StateError(
                f"{self.shown} belongs to {_user(owner)}, and you are {_user(os.geteuid())}.\n"
                f"Start as {_user(owner)}, or remove the folder (with everything in it), or"
                " choose another one: PARLEY_DATA=/some/folder make run"
            )

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        path = self._lock_path
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            raise StateError(
                f"{path} belongs to {_user(path.stat().st_uid)}: something in {self.shown} was"
                f" made by another user. Start as that user, or remove {self.shown}."
            ) from None
        self._hold(descriptor)

    def _hold(self, descriptor: int) -> None:
        """Lock the file and say in it who has it; raises StateError where another process has."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder = {"pid": os.getpid(), "since": time.time(), "url": self._url}
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(holder).encode())
        except BlockingIOError:
            holder_is = _told_of(os.pread(descriptor, 1024, 0))
            os.close(descriptor)
            raise StateError(
                f"Parley already runs in {self.shown}: {holder_is}.\n"
                "Ctrl-C in its terminal stops it. GATEWAY_PORT alone starts no second one, which"
                " needs a folder of its own:\n"
                f"PARLEY_DATA=/some/folder GATEWAY_PORT={self._other_port} make run"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise StateError(f"{self._lock_path}: {error.strerror}") from None
        # Held until the process ends, in whatever way. Children do not inherit it.
        self._lock = descriptor

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def _lock_path(self) -> Path:
        return self.directory / "lock"

    def prepare(self) -> None:
        """Make what is missing: certificates, signing key, vault key, passwords.

        Raises StateError.
        """
        try:
            self._prepare()
            for member in SERVICES:
                assert member.database is not None
                self.passwords(member.database)
        except OSError as error:
            raise StateError(f"{error.filename or self.shown}: {error.strerror}") from None

    def _prepare(self) -> None:
        issue(self.tls, [member.name for member in MEMBERS])
        self._prepare_signing_keys()
        if not self.vault_key.exists():
            write_private(self.vault_key, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        if not self._passwords.exists():
            passwords = {
                member.database: {role: secrets.token_urlsafe(24) for role in ROLES}
                for member in SERVICES
            }
            write_private(self._passwords, json.dumps(passwords, indent=2) + "\n")

    def _prepare_signing_keys(self) -> None:
        self.signing_keys.mkdir(mode=0o700, exist_ok=True)
        if any(self.signing_keys.glob("*.pem")):
            return
        first = self.signing_keys / "first.pem"
        # Where there was one before there could be several.
        alone = self.directory / "signing.pem"
        if alone.exists():
            alone.replace(first)
            return
        key = Ed25519PrivateKey.generate().private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        write_private(first, key.decode())

    @property
    def tls(self) -> Path:
        return self.directory / "tls"

    @property
    def signing_keys(self) -> Path:
        """`auth-service rotate-key` adds to it, and takes away."""
        return self.directory / "signing_keys"

    @property
    def vault_key(self) -> Path:
        return self.directory / "vault.key"

    @property
    def files(self) -> Path:
        """What users upload; chat-service makes it."""
        return self.directory / "files"

    @property
    def _passwords(self) -> Path:
        return self.directory / "passwords.json"

    def passwords(self, database: str) -> dict[str, str]:
        """Of the three roles of this database, by role. Raises StateError, FileNotFoundError."""
        try:
            stored = json.loads(self._passwords.read_text(encoding="utf-8"))[database]
            return {role: str(stored[role]) for role in ROLES}
        except (ValueError, LookupError, TypeError):
            raise StateError(
                f"{self._passwords} is damaged. The databases know these passwords: put back a"
                f" copy, or remove {self.shown} with everything in it"
            ) from None

    def remembered_port(self, name: str) -> int | None:
        """A port chosen at an earlier start, so that what was built on it goes on working."""
        try:
            return int((self.directory / f"{name}.port").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def remember_port(self, name: str, port: int) -> None:
        write_private(self.directory / f"{name}.port", f"{port}\n")


def _told_of(holder: bytes) -> str:
    """What the lock says of who has it; earlier ones wrote their number alone."""
    try:
        told = json.loads(holder)
        if isinstance(told, int):
            return f"process {told}"
        since = datetime.fromtimestamp(told["since"]).astimezone()
        place = f", at {told['url']}" if told["url"] else ""
        return f"process {told['pid']}, since {since:%Y-%m-%d %H:%M}{place}"
    except (ValueError, LookupError, TypeError, OverflowError):
        # Not written yet.
        return "process unknown"


def _user(number: int) -> str:
    try:
        return f"{pwd.getpwuid(number).pw_name} (uid {number})"
    except KeyError:
        return f"uid {number}"
