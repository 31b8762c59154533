"""Asks for lists, pages and searches at a steady rate, whoever is slow: what people wait for.

It begins when nothing is left to index, and says what the services do by themselves, and how much of the
machine's CPU neither they nor it took meanwhile: that is what ran beside.
"""

import asyncio
import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

import aiohttp
import psycopg

from bench import costs, procfs
from bench.conversations.people import Person, chat_database, kept, log_in, new_key
from bench.conversations.texts import Texts
from bench.rest import Parley
from bench.stack import Stack

# Those with the most messages, and some by chance.
_LARGEST: Final = 3
_READERS: Final = 15
#: Before what is counted.
WARM_SECONDS: Final = 3.0
_IDLE_SECONDS: Final = 10.0
# As an earlier release has put them in, which knew no filters: the newest, which searches meet first.
_WITHOUT_FILTERS: Final = """
UPDATE search_texts SET filter = NULL, size = NULL
WHERE id IN (SELECT id FROM search_texts ORDER BY id DESC LIMIT %s)
"""
_LEFT_WITHOUT: Final = "SELECT count(*) FROM search_texts WHERE filter IS NULL"
# As search's job looks for them; each says itself how it is found.
_LEFT_TO_INDEX: Final = """
SELECT (SELECT count(*) FROM sessions
        WHERE indexed_count IS DISTINCT FROM message_count AND NOT temporary AND NOT purging),
       (SELECT count(*) FROM search_texts WHERE filter IS NULL)
"""
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


@dataclass(frozen=True, slots=True)
class Load:
    """So many requests a second for so long; the same ones for the same seed."""

    rate: float
    seconds: float
    seed: int

    @property
    def requests(self) -> int:
        return int(self.rate * self.seconds)

    @property
    def warm_up(self) -> "Load":
        """The same before anything is counted."""
        return replace(self, seconds=WARM_SECONDS)


async def measure(
    stack: Stack,
    folder: Path,
    model_url: str,
    load: Load,
    *,
    only: Collection[str] | None = None,
    without_filters: int = 0,
) -> list[str]:
    """Print all of it, or of some kinds `only`; what failed.

    So many of the newest texts are as an earlier release has put them in: what is measured then is what it
    is like while search's job gives them their filters.
    """
    parley = stack.parley
    processes = {**stack.services(), **stack.servers()}
    chance, texts = random.Random(load.seed), Texts(load.seed)
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
        # All of its user's texts are looked at, as far as one page goes.
        "search, nowhere": lambda _: search(f"{texts.word()}qz"),
        "search, with notes": lambda _: search(word(), "sessions,messages,notes"),
        "answer of one token": lambda reader: Request(
            f"/chat/sessions/{chance.choice(reader.sessions)}/messages",
            {"content": texts.question(), "key_id": reader.key_id, "model": "tokens-1"},
        ),
    }
    failed: list[str] = []
    if not without_filters:
        await _until_indexed(folder)
    else:
        with psycopg.connect(chat_database(folder), autocommit=True) as admin:
            admin.execute(_WITHOUT_FILTERS, [without_filters])
            admin.execute("VACUUM ANALYZE search_texts")
    # What a collection of ours would take looks like theirs.
    gc.collect()
    gc.freeze()
    gc.disable()
    with Beside(processes) as idle:
        await asyncio.sleep(_IDLE_SECONDS)
    print(f"nothing asked for {_IDLE_SECONDS:.0f} s: {idle.told(_IDLE_SECONDS)} ms/s")
    if without_filters:
        print(f"left without filters: {_left_without_filters(folder)}", flush=True)
    # Answers are not unpacked here: whose CPU that takes is the client's.
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        for name, asked in kinds.items():
            if only is not None and name not in only:
                continue
            # Each connection to a database plans a statement for itself, and is kept for half an hour.
            await _ask(http, parley, readers, asked, chance, load.warm_up, failed)
            with Beside(processes) as beside:
                waited = await _ask(http, parley, readers, asked, chance, load, failed)
            hundredths = statistics.quantiles(waited, n=100)
            print(
                f"{name}: {len(waited)} requests, p50 {hundredths[49]:.1f} ms,"
                f" p99 {hundredths[98]:.1f} ms, the slowest {max(waited):.1f} ms;"
                f" CPU, ms each: {beside.told(len(waited))}",
                flush=True,
            )
            if without_filters:
                print(f"left without filters: {_left_without_filters(folder)}", flush=True)
    print(f"failed: {len(failed)} {failed[:3]}")
    _show_database(folder)
    return failed


class Beside:
    """``with`` it: CPU that each of the processes takes meanwhile, and all on the machine that are not the bench's."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = processes

    def __enter__(self) -> Self:
        self._began, self._before = time.perf_counter(), self._look()
        return self

    def __exit__(self, *_: object) -> None:
        self._seconds = time.perf_counter() - self._began
        self._spent = costs.spent(self._before, self._look())
        self._others = self._spent.pop("machine") - self._spent.pop("ours")

    def told(self, parts: float) -> str:
        """Milliseconds by that many parts, and what others took as a share of a core."""
        ours = (f"{of} {cpu / parts * 1000:.1f}" for of, cpu in self._spent.items() if cpu > 0)
        return f"{', '.join(ours)}; others had {self._others / self._seconds:.0%} of a core"

    def _look(self) -> dict[str, float]:
        return {
            **costs.cpu_of(self._processes),
            "bench": time.process_time(),
            "ours": costs.cpu_seconds(os.getpid()),
            "machine": procfs.busy_seconds(),
        }


def _left_without_filters(folder: Path) -> int:
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        (left,) = admin.execute(_LEFT_WITHOUT).fetchone() or (0,)
    return int(left)


async def _until_indexed(folder: Path) -> None:
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        while any(left := admin.execute(_LEFT_TO_INDEX).fetchone() or ()):
            print("left to index: {} conversations, {} texts of an older state".format(*left))
            await asyncio.sleep(_IDLE_SECONDS)


async def _ask(
    http: aiohttp.ClientSession,
    parley: Parley,
    readers: Sequence[Reader],
    asked: Callable[[Reader], Request],
    chance: random.Random,
    load: Load,
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
        for number in range(load.requests):
            due = began + number / load.rate
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
