"""The folder that keeps everything: servers' data, certificates, keys and passwords."""

import base64
import fcntl
import json
import os
import pwd
import secrets
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

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._lock: int | None = None

    @property
    def shown(self) -> str:
        """The folder as one would type it from here."""
        here = Path.cwd()
        inside = self.directory.is_relative_to(here)
        return str(self.directory.relative_to(here) if inside else self.directory)

    def open(self) -> None:
        """Make the folder if need be and lock it. Raises StateError."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{self.shown} cannot be made: {error.strerror}") from None
        owner = self.directory.stat().st_uid
        if owner != os.geteuid():
            raise StateError(
                f"{self.shown} belongs to {_user(owner)}, and you are {_user(os.geteuid())}.\n"
                f"Start as {_user(owner)}, or remove the folder (with everything in it), or"
                " choose another one: PARLEY_DATA=/some/folder make run"
            )
        self.directory.chmod(0o700)
        self._take_lock()

    def _take_lock(self) -> None:
        path = self.directory / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:
            raise StateError(
                f"{path} belongs to {_user(path.stat().st_uid)}: something in {self.shown} was"
                f" made by another user. Start as that user, or remove {self.shown}."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StateError(
                f"Parley already runs in {self.shown}: process {holder}.\n"
                "Stop that one, or start this one elsewhere:"
                " PARLEY_DATA=/some/folder GATEWAY_PORT=8010 make run"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        # Held until the process ends, in whatever way. Children do not inherit it.
        self._lock = descriptor

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

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


def _user(number: int) -> str:
    try:
        return f"{pwd.getpwuid(number).pw_name} (uid {number})"
    except KeyError:
        return f"uid {number}"
