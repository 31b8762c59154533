"""Asks for lists, pages and searches at a steady rate, whoever is slow: what people wait for."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import psycopg

from bench import costs
from bench.conversations.people import Person, chat_database, kept, log_in, new_key
from bench.conversations.texts import Texts
from bench.rest import Parley
from bench.stack import Stack

# Those with the most messages, and some by chance.
_LARGEST: Final = 3
_READERS: Final = 15
_WARM_SECONDS: Final = 3.0
_SIZES: Final = """
SELECT relname, reltuples::bigint, pg_relation_size(oid) / 1000000, pg_total_relation_size(oid) / 1000000
FROM pg_class WHERE relname IN ('messages', 'search_texts', 'search_texts_by_time', 'search_texts_pkey') ORDER BY relname
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is logged in, and some of their conversations."""

    person: Person
    token: str
    key_id: str
    sessions: Sequence[str]
    deep: str


@dataclass(frozen=True, slots=True)
class Request:
    """A GET of `path`, or with `body` a POST whose whole answer is waited for."""

    path: str
    body: Mapping[str, str] | None = None


async def measure(
    stack: Stack, folder: Path, model_url: str, *, rate: float, seconds: float, seed: int
) -> list[str]:
    """Print all of it; what failed."""
    parley = stack.parley
    processes = {**stack.services(), "PostgreSQL": stack.servers()["PostgreSQL"]}
    chance, texts = random.Random(seed), Texts(seed)
    people = sorted(kept(folder), key=lambda one: one.messages, reverse=True)
    people = [one for one in people if one.messages]
    others = people[_LARGEST:]
    chosen = [*people[:_LARGEST], *chance.sample(others, min(len(others), _READERS - _LARGEST))]
    readers = await asyncio.to_thread(lambda: [_reader(parley, one, model_url) for one in chosen])

    def word() -> str:
        whole = texts.word()
        return whole if chance.random() < 0.7 else whole[: chance.randint(1, 3)]

    def search(q: str, types: str = "sessions,messages") -> Request:
        return Request(f"/search?{urlencode({'q': q, 'types': types})}")

    # The last one writes.
    kinds: dict[str, Callable[[Reader], Request]] = {
        "list": lambda _: Request("/chat/sessions"),
        "deep page": lambda reader: Request(f"/chat/sessions?cursor={reader.deep}"),
        "open": lambda reader: Request(
            f"/chat/sessions/{chance.choice(reader.sessions)}/messages?order=desc&limit=50"
        ),
        "search": lambda _: search(word()),
        "search, two words": lambda _: search(f"{texts.word()} {word()}"),
        "search, with notes": lambda _: search(word(), "sessions,messages,notes"),
        "answer of one token": lambda reader: Request(
            f"/chat/sessions/{chance.choice(reader.sessions)}/messages",
            {"content": texts.question(), "key_id": reader.key_id, "model": "tokens-1"},
        ),
    }
    failed: list[str] = []
    async with aiohttp.ClientSession() as http:
        for name, asked in kinds.items():
            # Each connection to a database plans a statement for itself, and is kept for half an hour.
            await _ask(http, parley, readers, asked, chance, rate, _WARM_SECONDS, failed)
            before = costs.cpu_of(processes)
            waited = await _ask(http, parley, readers, asked, chance, rate, seconds, failed)
            spent = costs.spent(before, costs.cpu_of(processes))
            hundredths = statistics.quantiles(waited, n=100)
            print(
                f"{name}: {len(waited)} requests, p50 {hundredths[49]:.1f} ms,"
                f" p99 {hundredths[98]:.1f} ms, the slowest {max(waited):.1f} ms; CPU, ms each: "
                + ", ".join(f"{of} {cpu / len(waited) * 1000:.1f}" for of, cpu in spent.items()),
                flush=True,
            )
    print(f"failed: {len(failed)} {failed[:3]}")
    _show_database(folder)
    return failed


async def _ask(
    http: aiohttp.ClientSession,
    parley: Parley,
    readers: Sequence[Reader],
    asked: Callable[[Reader], Request],
    chance: random.Random,
    rate: float,
    seconds: float,
    failed: list[str],
) -> list[float]:
    """Milliseconds of each request, from when it was due."""
    waited: list[float] = []

    async def one(request: Request, token: str, due: float) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        url = f"http://127.0.0.1:{parley.port}/api/v1{request.path}"
        method = "GET" if request.body is None else "POST"
        async with http.request(method, url, headers=headers, json=request.body) as told:
            await told.read()
            # By chance somebody is asked twice in one conversation at once.
            if told.status != 200 and not (request.body and told.status == 409):
                failed.append(f"{request.path}: {told.status}")
        waited.append((time.perf_counter() - due) * 1000)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            reader = chance.choice(readers)
            group.create_task(one(asked(reader), reader.token, due))
    return waited


def _reader(parley: Parley, person: Person, model_url: str) -> Reader:
    token = log_in(parley, person)
    sessions: list[str] = []
    cursor = deep = ""
    for _ in range(10):
        page: dict[str, Any] = parley.ask(
            "GET", f"/chat/sessions?limit=20&cursor={cursor}", token=token
        )
        sessions += [one["id"] for one in page["items"]]
        deep, cursor = cursor, page["next_cursor"] or ""
        if not cursor:
            break
    return Reader(person, token, new_key(parley, token, model_url), sessions, deep)


def _show_database(folder: Path) -> None:
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        for row in admin.execute(_SIZES).fetchall():
            print("{}: {} rows, {} MB, {} MB with its indexes and long values".format(*row))
