"""The users of the conversations: registered by `make`, logged in again by `measure`."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from bench.rest import Parley
from chassis.embedded import EmbeddedPostgres

_FILE = "people.json"
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Person:
    """A user, and how many messages of theirs there are."""

    username: str
    password: str
    id: UUID
    tenant_id: UUID
    messages: int = 0


def register(parley: Parley, number: int, *, prefix: str = "reader") -> list[Person]:
    """So many new users."""

    def one(index: int) -> Person:
        name, password = f"{prefix}-{index:04}", f"the {index}th reader's password"
        body = {"username": name, "email": f"{name}@example.org", "password": password}
        token = parley.ask("POST", "/auth/register", body)["access_token"]
        me = parley.ask("GET", "/me", token=token)
        return Person(name, password, UUID(me["id"]), UUID(me["tenant_id"]))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(one, range(number)))


def log_in(parley: Parley, person: Person) -> str:
    """An access token, good for five minutes."""
    body = {"username": person.username, "password": person.password}
    token: str = parley.ask("POST", "/auth/login", body)["access_token"]
    return token


def new_key(parley: Parley, token: str, model_url: str) -> str:
    """A connection of the user's to a model server."""
    key = {
        "name": f"bench {secrets.token_hex(4)}",
        "api_key": f"sk-{secrets.token_hex(12)}",
        "model": "tokens-1",
        "base_url": model_url,
    }
    identifier: str = parley.ask("POST", "/keys", key, token)["id"]
    return identifier


def keep(folder: Path, people: list[Person]) -> None:
    (folder / _FILE).write_bytes(orjson.dumps(people))


def kept(folder: Path) -> list[Person]:
    found: list[dict[str, Any]] = orjson.loads((folder / _FILE).read_bytes())
    return [
        Person(**{**one, "id": UUID(one["id"]), "tenant_id": UUID(one["tenant_id"])})
        for one in found
    ]


def chat_database(folder: Path) -> str:
    """The superuser's URL: rows are copied past the policies."""
    postgres = folder / "data" / "postgres"
    port = int((postgres / "data" / "postmaster.pid").read_text().splitlines()[3])
    server = EmbeddedPostgres(postgres, port=port)
    return server.admin_url.rpartition("/")[0] + "/parley_chat"
