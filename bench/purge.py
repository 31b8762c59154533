"""`python -m bench.purge`: a hundred thousand old conversations are purged while others chat.

A Parley of its own, whose database is filled with conversations of 200 users that were last active two
years ago. Four others ask and list theirs, first while all of it is kept, then, after a start with
CHAT_RETENTION_DAYS=365, while it is purged, and behind that once more. Prints how long that took, the longest statement of
background jobs that was seen, and what the four waited for before, meanwhile and behind. With `--kill` nobody chats,
and chat-service is killed (SIGKILL) when half of it is gone: what is started in its place has to go on. One more conversation
that is too old has a file, and so has one that was deleted and restored: the former's is to go, the latter's to stay.
Exit status 1 if something failed, or if anything of the old was left.
"""

import argparse
import os
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.report import machine
from bench.rest import Parley, RefusedError, User
from bench.stack import Stack, StackError, data_folder, stack
from parley_local.command import environment_of
from parley_local.model_server.process import model_server
from parley_local.topology import CHAT

_QUIET_SECONDS = 30.0
_LOOK_SECONDS = 0.01
# An access token is good for five minutes.
_RENEW_SECONDS = 120.0
_LONGEST_SECONDS = 1800.0
_SWEPT_SECONDS = 300.0

# Of each conversation two turns.
_FILL = """
INSERT INTO sessions (id, tenant_id, user_id, title, last_order, message_count, last_message_at,
    created_at, updated_at)
SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001',
    ('00000000-0000-7000-9000-' || lpad((number %% 200)::text, 12, '0'))::uuid, 'old', 4, 4,
    now() - interval '2 years', now() - interval '2 years', now() - interval '2 years'
FROM generate_series(%(first)s, %(last)s) AS number;
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
SELECT gen_random_uuid(), id, tenant_id, user_id,
    CASE number %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END, repeat('word ', 60), number, created_at
FROM sessions, generate_series(1, 4) AS number
WHERE title = 'old' AND NOT EXISTS (SELECT FROM messages WHERE session_id = sessions.id);
INSERT INTO runs (id, session_id, tenant_id, user_id, question_id, answer_id, question_order,
    answer_order, provider, model, temperature, max_tokens, owner, epoch, status, created_at, ended_at)
SELECT gen_random_uuid(), id, tenant_id, user_id, gen_random_uuid(), gen_random_uuid(),
    number * 2 - 1, number * 2, 'openai', 'demo', 0.7, 100, 'nobody', 1, 'completed', created_at,
    created_at
FROM sessions, generate_series(1, 2) AS number
WHERE title = 'old' AND NOT EXISTS (SELECT FROM runs WHERE session_id = sessions.id);
"""
_BATCH = 5_000
_LEFT = "SELECT count(*) FROM sessions WHERE title = 'old'"
_STRAY = """
SELECT (SELECT count(*) FROM messages WHERE NOT EXISTS (SELECT FROM sessions WHERE sessions.id = session_id)),
    (SELECT count(*) FROM runs WHERE NOT EXISTS (SELECT FROM sessions WHERE sessions.id = session_id)),
    (SELECT count(*) FROM sessions WHERE purging)
"""
_AGE = """
UPDATE sessions SET title = 'old', last_message_at = now() - interval '2 years' WHERE id = %s
"""
_LONGEST = """
SELECT extract(epoch FROM clock_timestamp() - query_start)::float, query FROM pg_stat_activity
WHERE application_name = 'chat-service worker' AND state = 'active'
ORDER BY query_start LIMIT 1
"""


@dataclass
class Waits:
    """What one user waited for, seconds, and what went wrong."""

    asked: list[float] = field(default_factory=list)
    listed: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass
class Longest:
    """The longest statement of a background job that was seen."""

    seconds: float = 0.0
    query: str = ""


@dataclass(frozen=True, slots=True)
class WithFile:
    """A conversation with a file in it, and the file."""

    session_id: str
    file_id: str


def main() -> None:
    arguments = _arguments()
    users = 0 if arguments.kill else arguments.users
    try:
        with data_folder() as folder, model_server() as model:
            url = f"http://127.0.0.1:{model.port}/v1"
            with stack(folder) as parley:
                _fill(_database(folder), arguments.sessions)
                before = _while_they_chat(parley, url, users, _wait_quietly) if users else []
                user = parley.parley.new_user(url)
                gone, restored = (_with_file(parley.parley, user) for _ in range(2))
                _delete_and_restore(parley.parley, user, restored)
                _age(_database(folder), gone)
            with stack(folder, {"CHAT_RETENTION_DAYS": "365"}) as parley:
                # It listens elsewhere than before.
                database, longest = _database(folder), Longest()
                began = time.monotonic()
                kill_at = arguments.sessions // 2 if arguments.kill else -1
                meanwhile = _while_they_chat(
                    parley, url, users, lambda: _wait_purged(parley, database, longest, kill_at)
                )
                seconds = time.monotonic() - began
                left = _count(database)
                behind = _while_they_chat(parley, url, users, _wait_quietly) if users else []
                parley.parley.renew(user)
                wrong = _wrong_of_files(parley.parley, user, gone, restored)
                stray = _stray(database)
    except StackError as error:
        print(error, *error.__notes__, sep="\n", file=sys.stderr)
        sys.exit(1)
    print(machine())
    print(f"{arguments.sessions} conversations in {seconds:.0f} s with the start, {left} left")
    print(f"longest statement seen: {longest.seconds * 1000:.0f} ms: {longest.query[:60]!r}")
    for name, waits in (("before", before), ("meanwhile", meanwhile), ("behind", behind)):
        if not waits:
            continue
        print(f"{name}: answers {_told(waits, 'asked')}; lists {_told(waits, 'listed')}")
    print("left of what is gone: {} messages, {} runs; {} marked".format(*stray))
    failed = [problem for one in (*before, *meanwhile, *behind) for problem in one.failed] + wrong
    print(f"failed: {len(failed)} {failed[:3]}")
    sys.exit(1 if failed or left or any(stray) else 0)


def _told(waits: list[Waits], what: str) -> str:
    seconds = sorted(one for wait in waits for one in getattr(wait, what))
    if len(seconds) < 2:
        return f"{len(seconds)}"
    hundredths = statistics.quantiles(seconds, n=100)
    return (
        f"{len(seconds)}, p50 {hundredths[49] * 1000:.0f} ms, p99 {hundredths[98] * 1000:.0f} ms,"
        f" the slowest {seconds[-1] * 1000:.0f} ms"
    )


def _database(folder: Path) -> str:
    environment = environment_of(CHAT, folder / "data", dict(os.environ))
    url: str = environment["CHAT_WORKER_DATABASE_URL"]
    return url


def _fill(database: str, sessions: int) -> None:
    with psycopg.connect(database, cursor_factory=psycopg.ClientCursor) as connection:
        for first in range(1, sessions + 1, _BATCH):
            last = min(first + _BATCH - 1, sessions)
            connection.execute(_FILL, {"first": first, "last": last})
            connection.commit()


def _count(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(_LEFT).fetchone()
    assert row is not None
    return int(row[0])


def _stray(database: str) -> tuple[int, ...]:
    with psycopg.connect(database) as connection:
        return tuple(connection.execute(_STRAY).fetchone() or ())


def _with_file(parley: Parley, user: User) -> WithFile:
    session_id = parley.ask("POST", "/chat/sessions", {}, user.token)["id"]
    file_id = parley.upload("said.txt", b"What was said.", user.token)
    question = {"content": "What does it say?", "attachments": [file_id]}
    parley.ask("POST", f"/chat/sessions/{session_id}/messages", question, user.token)
    return WithFile(session_id, file_id)


def _delete_and_restore(parley: Parley, user: User, one: WithFile) -> None:
    parley.ask("DELETE", f"/chat/sessions/{one.session_id}", token=user.token)
    parley.ask("POST", f"/chat/sessions/{one.session_id}/restore", {}, user.token)


def _age(database: str, one: WithFile) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(_AGE, [one.session_id])


def _wrong_of_files(parley: Parley, user: User, gone: WithFile, restored: WithFile) -> list[str]:
    """What is not as it should be, when the files were swept at the latest."""
    deadline = time.monotonic() + _SWEPT_SECONDS
    while _status(parley, user, f"/files/{gone.file_id}") != 404:
        if time.monotonic() > deadline:
            return [f"the file of a purged conversation is there after {_SWEPT_SECONDS} s"]
        time.sleep(1)
    expected = {
        f"/chat/sessions/{gone.session_id}": 404,
        f"/chat/sessions/{restored.session_id}": 200,
        f"/files/{restored.file_id}/content": 200,
    }
    found = {path: _status(parley, user, path) for path in expected}
    return [f"{path}: {status}" for path, status in found.items() if status != expected[path]]


def _status(parley: Parley, user: User, path: str) -> int:
    return parley.request("GET", f"/api/v1{path}", token=user.token)[0]


def _while_they_chat(
    parley: Stack, base_url: str, users: int, wait: Callable[[], None]
) -> list[Waits]:
    over = threading.Event()
    waits = [Waits() for _ in range(users)]
    chatting = [
        threading.Thread(target=_chat, args=(parley.parley, base_url, over, one)) for one in waits
    ]
    for thread in chatting:
        thread.start()
    try:
        wait()
    finally:
        over.set()
        for thread in chatting:
            thread.join()
    return waits


def _wait_quietly() -> None:
    time.sleep(_QUIET_SECONDS)


def _wait_purged(parley: Stack, database: str, longest: Longest, kill_at: int) -> None:
    """Chat-service is killed once no more than `kill_at` are left."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    with psycopg.connect(database, autocommit=True) as connection:
        counted = 0.0
        while time.monotonic() < deadline:
            row = connection.execute(_LONGEST).fetchone()
            if row is not None and row[0] > longest.seconds:
                longest.seconds, longest.query = row[0], " ".join(row[1].split())
            if time.monotonic() - counted > 1:
                counted = time.monotonic()
                left = connection.execute(_LEFT).fetchone()
                if left is not None and left[0] == 0:
                    return
                if left is not None and left[0] <= kill_at:
                    os.kill(parley.services()["chat_service"], signal.SIGKILL)
                    print(f"killed with {left[0]} left", flush=True)
                    kill_at = -1
            time.sleep(_LOOK_SECONDS)


def _chat(parley: Parley, base_url: str, over: threading.Event, told: Waits) -> None:
    try:
        user = parley.new_user(base_url)
        session_id = parley.ask("POST", "/chat/sessions", {}, user.token)["id"]
        renewed = time.monotonic()
        while not over.is_set():
            if time.monotonic() - renewed > _RENEW_SECONDS:
                parley.renew(user)
                renewed = time.monotonic()
            question = {"content": "What is Parley?"}
            told.asked.append(
                _timed(parley, user, "POST", f"/chat/sessions/{session_id}/messages", question)
            )
            told.listed.append(_timed(parley, user, "GET", "/chat/sessions", None))
    except (RefusedError, OSError) as error:
        told.failed.append(str(error))


def _timed(parley: Parley, user: User, method: str, path: str, body: object) -> float:
    began = time.monotonic()
    parley.ask(method, path, body, user.token)
    return time.monotonic() - began


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.purge", description=__doc__)
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=4, help="who chat meanwhile")
    parser.add_argument(
        "--kill", action="store_true", help="chat-service in the middle; nobody chats"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
