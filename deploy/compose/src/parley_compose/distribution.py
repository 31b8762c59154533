"""Which secret goes to whom: each consumer's volume holds what that consumer needs."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from chassis.nats_accounts import OPERATOR
from chassis.tls import issue
from parley_compose.layout import ACCOUNTS, DATABASES, ROLES, SERVICES, Uids
from parley_compose.secret_store import SecretStore, write


def distribute(volumes: Path, uids: Uids) -> None:
    """Make what is missing and fill every consumer's folder in ``volumes``.

    ``volumes/kept`` is the original; all other folders are copies, readable by their
    consumer's user alone. May run at every start, and be killed at any point.
    """
    store = SecretStore(volumes / "kept")
    tls = volumes / "kept" / "tls"
    issue(tls, SERVICES)
    _fill(volumes / "postgres", {"password": store.password("postgres")}, uids.postgres)
    _fill(volumes / "redis", _redis(store), uids.redis)
    _fill(volumes / "nats", _nats(store), uids.parley)
    _fill(volumes / "databases", _databases(store), uids.parley)
    for service in SERVICES:
        _fill(volumes / service, _service(service, store, tls), uids.parley)
    _seed_signing_keys(volumes / "auth-keys", store, uids.parley)
    # The images bring no such folders, so the new volumes are root's.
    _own(volumes / "nats-data", uids.parley)
    _own(volumes / "chat-files", uids.parley)


def _redis(store: SecretStore) -> dict[str, str]:
    password = store.password("redis")
    lines = [
        "bind * -::*",
        "protected-mode yes",
        f"requirepass {password}",
        "dir /data",
        # What was acknowledged is on disk, and nothing is dropped to make room.
        "appendonly yes",
        "appendfsync always",
        'save ""',
        "maxmemory 384mb",
        "maxmemory-policy noeviction",
    ]
    return {"redis.conf": "\n".join([*lines, ""]), "password": password}


def _nats(store: SecretStore) -> dict[str, str]:
    configuration = {
        "server_name": "parley",
        "host": "0.0.0.0",
        "port": 4222,
        "http": "127.0.0.1:8222",
        "accounts": ACCOUNTS.configuration(
            {name: _nats_password(store, name) for name in (OPERATOR, *ACCOUNTS.names)}
        ),
        # The default syncs every two minutes: a power failure would lose acknowledged messages.
        "jetstream": {"store_dir": "/data", "sync_interval": "always"},
    }
    # JSON is a subset of the server's own notation.
    return {"nats.conf": json.dumps(configuration, indent=2) + "\n"}


def _databases(store: SecretStore) -> dict[str, str]:
    urls = {
        f"{service}_{file}": _database_url(store, service, role)
        for service in DATABASES
        for role, file in ROLES.items()
    }
    admin = f"postgresql://postgres:{store.password('postgres')}@postgres:5432/postgres"
    return {**urls, "admin_url": admin}


def _service(name: str, store: SecretStore, tls: Path) -> dict[str, str]:
    files = {
        "ca.pem": (tls / "ca.pem").read_text(encoding="ascii"),
        "certificate.pem": (tls / f"{name}.pem").read_text(encoding="ascii"),
        "key.pem": (tls / f"{name}.key").read_text(encoding="ascii"),
    }
    for database, service in DATABASES.items():
        if service == name:
            # Not the owner's: that one is for migrations alone.
            for role in ("app", "worker"):
                files[ROLES[role]] = _database_url(store, database, role)
            files["nats_url"] = f"nats://{name}:{_nats_password(store, name)}@nats:4222"
    if name == "apikey-service":
        files["vault.key"] = store.vault_key()
        files["vault_old.keys"] = store.vault_old_keys()
    elif name == "chat-service":
        files["redis_url"] = f"redis://:{store.password('redis')}@redis:6379/0"
    return files


def _nats_password(store: SecretStore, name: str) -> str:
    return store.password(f"nats_{name}")


def _seed_signing_keys(folder: Path, store: SecretStore, uid: int) -> None:
    """The first key; from then on the folder is auth-service's own, which rotates them."""
    rotated = folder.exists() and any(folder.glob("*.pem"))
    _fill(folder, {} if rotated else {"first.pem": store.signing_key()}, uid)


def _database_url(store: SecretStore, service: str, role: str) -> str:
    password = store.password(f"{service}_{role}")
    return f"postgresql://parley_{service}_{role}:{password}@postgres:5432/parley_{service}"


def _fill(folder: Path, files: Mapping[str, str], uid: int) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="ascii") != content:
            write(path, content, uid)
    _own(folder, uid)


def _own(folder: Path, uid: int) -> None:
    folder.mkdir(exist_ok=True)
    if folder.stat().st_uid != uid:
        os.chown(folder, uid, uid)
