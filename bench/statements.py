"""`python -m bench.statements`: what it costs to execute the statements of a turn, in some ways.

A turn makes three, each a transaction by itself of its user: a key is read, the question is
stored with its run, and the end of the run with its answer. Here they are like those of the services,
on tables like theirs, beside a list of sessions (two statements in a transaction). The ways of
`bench.statement_ways` are measured by turns, so that each has the same hour.

Prints round trips and CPU in µs for each: of this process, and of PostgreSQL's backends.
"""

import argparse
import asyncio
import importlib.util
import resource
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import psycopg
import uvloop
from sqlalchemy import make_url, text

from bench import procfs
from bench.report import machine
from bench.statement_ways import WAYS, Query, Way
from chassis.db.engine import RowOwner
from chassis.embedded import EmbeddedPostgres
from chassis.ids import new_id

_USERS = 100
_TABLES = """
CREATE ROLE bench_app LOGIN PASSWORD 'bench';
CREATE TABLE owners (user_id uuid PRIMARY KEY, tenant_id uuid NOT NULL, erased_at timestamptz);
CREATE TABLE keys (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, user_id uuid NOT NULL,
    name text NOT NULL, model text NOT NULL, ciphertext bytea NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE sessions (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, user_id uuid NOT NULL,
    title text NOT NULL, last_order integer NOT NULL, active_at timestamptz NOT NULL);
CREATE TABLE runs (id uuid PRIMARY KEY, session_id uuid NOT NULL, tenant_id uuid NOT NULL,
    user_id uuid NOT NULL, status text NOT NULL, model text NOT NULL, ended_at timestamptz);
CREATE TABLE messages (id uuid PRIMARY KEY, session_id uuid NOT NULL, tenant_id uuid NOT NULL,
    user_id uuid NOT NULL, role text NOT NULL, content text NOT NULL, "order" integer NOT NULL);
CREATE INDEX ON sessions (user_id, active_at);
CREATE INDEX ON messages (session_id, "order");
"""
_SECURED = ("owners", "keys", "sessions", "runs", "messages")
_SECURE = """
ALTER TABLE {0} ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON {0} USING (
    tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON {0} TO bench_app;
"""
_KEY = Query(
    text(
        "SELECT id, name, model, ciphertext, created_at FROM keys"
        " WHERE id = :key_id AND tenant_id = :tenant_id AND user_id = :user_id"
    )
)
_ADMIT = Query(
    text("""
WITH owner AS (
    SELECT user_id FROM owners WHERE user_id = :user_id AND erased_at IS NULL FOR SHARE),
session AS (
    SELECT sessions.id, sessions.last_order + 1 AS next FROM owner, sessions
    WHERE sessions.id = :session_id AND sessions.user_id = :user_id FOR UPDATE OF sessions),
run AS (
    INSERT INTO runs (id, session_id, tenant_id, user_id, status, model)
    SELECT :run_id, id, :tenant_id, :user_id, 'running', :model FROM session RETURNING id),
question AS (
    INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order")
    SELECT :question_id, session.id, :tenant_id, :user_id, 'user', :content, next FROM session, run),
counted AS (
    UPDATE sessions SET last_order = last_order + 2, active_at = now() FROM run
    WHERE sessions.id = :session_id)
SELECT run.id, earlier.role, earlier.content
FROM session LEFT JOIN run ON true LEFT JOIN (
    SELECT role, content FROM messages WHERE session_id = :session_id AND id <> :question_id
    ORDER BY "order" DESC LIMIT 20) AS earlier ON true
""")
)
_END = Query(
    text("""
WITH run AS (
    UPDATE runs SET status = 'completed', ended_at = now()
    WHERE id = :run_id AND user_id = :user_id AND status = 'running' RETURNING session_id),
answer AS (
    INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order")
    SELECT :answer_id, sessions.id, :tenant_id, :user_id, 'assistant', :content, last_order
    FROM run JOIN sessions ON sessions.id = run.session_id)
UPDATE sessions SET active_at = now() FROM run WHERE sessions.id = run.session_id RETURNING sessions.id
""")
)
_LIST = Query(
    text(
        "SELECT id, title, last_order, active_at FROM sessions WHERE user_id = :user_id"
        " ORDER BY active_at DESC LIMIT :size"
    )
)
_COUNT = Query(text("SELECT count(*) AS total FROM sessions WHERE user_id = :user_id"))


async def turn(way: Way, owner: RowOwner) -> None:
    """One turn, in the one session that the user has."""
    whose = {"tenant_id": owner.tenant_id, "user_id": owner.user_id}
    run = {"run_id": new_id(), "content": "Tell me something, at your own pace."}
    await way.one(owner, _KEY, {**whose, "key_id": owner.user_id})
    question = {"session_id": owner.user_id, "question_id": new_id(), "model": "bench"}
    await way.one(owner, _ADMIT, {**whose, **run, **question})
    await way.one(owner, _END, {**whose, **run, "answer_id": new_id()})


async def sessions(way: Way, owner: RowOwner) -> None:
    """A page of sessions, and how many there are."""
    mine: dict[str, object] = {"user_id": owner.user_id}
    await way.several(owner, [(_LIST, {**mine, "size": 21}), (_COUNT, mine)])


UNITS: Mapping[str, Callable[[Way, RowOwner], Awaitable[None]]] = {
    "a turn": turn,
    "list sessions": sessions,
}
Key = tuple[str, int, str]


async def measure(
    server: EmbeddedPostgres,
    users: Sequence[RowOwner],
    at_once: Sequence[int],
    times: int,
    rounds: int,
) -> tuple[dict[Key, list[tuple[float, float]]], dict[tuple[str, str], int]]:
    """CPU seconds, ours and PostgreSQL's, of each unit; and its round trips."""
    url = make_url(server.url("bench_app", "bench", "postgres"))
    ways = {name: way for name, way in WAYS.items() if _is_there(name)}
    spent: dict[Key, list[tuple[float, float]]] = defaultdict(list)
    trips = {}
    for name, make in ways.items():
        async with Relay(url.port or 5432) as relay:
            way = make(url.set(port=relay.port).render_as_string(hide_password=False))
            for unit, do in UNITS.items():
                await do(way, users[0])
                relay.trips = 0
                await do(way, users[0])
                trips[unit, name] = relay.trips
            await way.close()
    for number in range(rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            way = ways[name](url.render_as_string(hide_password=False))
            for unit, do in UNITS.items():
                for many in at_once:
                    await _load(way, do, users, many, 3 * many)
                    backends = [one.pid for one in procfs.children(_postmaster(server))]
                    before = _cpu(), procfs.running(backends)
                    await _load(way, do, users, many, times)
                    after = _cpu(), procfs.running(backends)
                    spent[unit, many, name].append(
                        ((after[0] - before[0]) / times, (after[1] - before[1]) / times)
                    )
            await way.close()
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return spent, trips


def table(
    spent: Mapping[Key, Sequence[tuple[float, float]]], trips: Mapping[tuple[str, str], int]
) -> Iterator[str]:
    """The medians, for people."""
    yield f"{'':14}{'at once':>8}  {'':24}{'round trips':>12}{'CPU':>8}{'PostgreSQL':>12}{'sum':>8}{'from … to':>16}"
    for (unit, many, name), rounds in sorted(spent.items(), key=lambda one: one[0][:2]):
        own, server = (statistics.median(one[at] for one in rounds) * 1e6 for at in (0, 1))
        sums = sorted(sum(one) * 1e6 for one in rounds)
        yield (
            f"{unit:14}{many:8}  {name:24}{trips[unit, name]:12}{own:8.0f}{server:12.0f}"
            f"{statistics.median(sums):8.0f}{sums[0]:8.0f}{sums[-1]:8.0f}"
        )


class Relay:
    """A loopback port in front of the server that counts how often the client waits for it."""

    def __init__(self, server: int) -> None:
        self._server = server
        self.trips = 0

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, server = await asyncio.open_connection("127.0.0.1", self._server)
        asked = False

        async def pass_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            nonlocal asked
            while data := await source.read(65536):
                self.trips += source is reader and not asked
                asked = source is reader
                to.write(data)
            to.close()

        await asyncio.gather(pass_on(reader, server), pass_on(answers, writer))


async def _load(
    way: Way,
    do: Callable[[Way, RowOwner], Awaitable[None]],
    users: Sequence[RowOwner],
    at_once: int,
    times: int,
) -> None:
    numbers = iter(range(times))

    async def work() -> None:
        for number in numbers:
            await do(way, users[number % len(users)])

    await asyncio.gather(*(work() for _ in range(at_once)))


def _prepare(server: EmbeddedPostgres) -> list[RowOwner]:
    users = [RowOwner(tenant_id=new_id(), user_id=new_id()) for _ in range(_USERS)]
    with psycopg.connect(server.admin_url, autocommit=True) as admin:
        admin.execute(_TABLES)
        for name in _SECURED:
            admin.execute(_SECURE.format(name).encode())
        for one in users:
            # The user's id is that of their key and of their session, too.
            ids = {"user": one.user_id, "tenant": one.tenant_id}
            for insert in (
                "owners VALUES (%(user)s, %(tenant)s)",
                "keys VALUES (%(user)s, %(tenant)s, %(user)s, 'demo', 'bench', 'sealed', now())",
                "sessions VALUES (%(user)s, %(tenant)s, %(user)s, 'a title', 0, now())",
            ):
                admin.execute(f"INSERT INTO {insert}".encode(), ids)
    return users


def _is_there(way: str) -> bool:
    return way != "psycopg_pool, pipeline" or importlib.util.find_spec("psycopg_pool") is not None


def _postmaster(server: EmbeddedPostgres) -> int:
    with psycopg.connect(server.admin_url) as admin:
        return procfs.process(admin.info.backend_pid).parent


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder))
        server.start()
        try:
            users = _prepare(server)
            spent, trips = uvloop.run(
                measure(server, users, arguments.at_once, arguments.times, arguments.rounds)
            )
        finally:
            server.stop()
    print(machine())
    print(*table(spent, trips), sep="\n")


def _arguments() -> argparse.Namespace:
    def numbers(words: str) -> list[int]:
        return [int(number) for number in words.split(",")]

    parser = argparse.ArgumentParser(prog="python -m bench.statements")
    parser.add_argument("--at-once", type=numbers, default=[1, 16, 100], help="1,16,100")
    parser.add_argument("--times", type=int, default=200, help="how often a round does each (200)")
    parser.add_argument("--rounds", type=int, default=5, help="the median of so many (5)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
