"""`python -m bench.upgrade --from PYTHON`: an earlier release goes on while this one's revisions are run.

PYTHON is that of another checkout's `.venv`, at an earlier commit. Its Parley is started on a folder of its own, whose
database is filled with a million messages in conversations of fifty, of 200 users, as if indexed for search. Three others ask, list, open and
search there, before, while `chat-service migrate` of this checkout runs, and behind that. Prints how long that took,
what the three waited for, and the longest wait for a lock that was seen, of the migration's and of each other's. Exit status 1 if a
request failed, the migration did, or a wait behind the migration took 100 ms or longer.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from bench.report import machine
from bench.rest import Parley, RefusedError
from bench.stack import StackError, data_folder, stack
from parley_local.command import environment_of
from parley_local.model_server.process import model_server
from parley_local.state import State
from parley_local.topology import CHAT

_PHASES: Final = ("before", "meanwhile", "behind")
_QUIET_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.002
# An access token is good for five minutes.
_RENEW_SECONDS: Final = 120.0
_USERS: Final = 3
_BAR_SECONDS: Final = 0.1
_BATCH: Final = 200
_FILL: Final = """
WITH made AS (
    INSERT INTO sessions (id, tenant_id, user_id, title, title_by, last_order, message_count, leaf_order,
        read_order, indexed_count, last_message_at, created_at, updated_at)
    SELECT gen_random_uuid(), '00000000-0000-7000-8000-000000000001',
        ('00000000-0000-7000-9000-' || lpad((number %% 200)::text, 12, '0'))::uuid,
        'Conversation ' || number, 'user', 50, 50, 50, 50, 50, now(), now(), now()
    FROM generate_series(%(first)s::int, %(last)s::int) AS number
    RETURNING id, tenant_id, user_id),
said AS (
    INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", parent_order, status,
        provider, model, prompt_tokens, completion_tokens, created_at)
    SELECT gen_random_uuid(), made.id, made.tenant_id, made.user_id,
        CASE number %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
        repeat('plain words 中文的一句话 ', 3 + number * 7 %% 20),
        number, number - 1, CASE number %% 2 WHEN 0 THEN 'completed' END,
        CASE number %% 2 WHEN 0 THEN 'openai' END, CASE number %% 2 WHEN 0 THEN 'demo' END,
        CASE number %% 2 WHEN 0 THEN 300 END, CASE number %% 2 WHEN 0 THEN 200 END, now()
    FROM made, generate_series(1, 50) AS number)
INSERT INTO runs (id, session_id, tenant_id, user_id, question_id, answer_id, question_order, answer_order,
    provider, model, temperature, max_tokens, owner, epoch, status, created_at, ended_at)
SELECT gen_random_uuid(), id, tenant_id, user_id, gen_random_uuid(), gen_random_uuid(), number * 2 - 1,
    number * 2, 'openai', 'demo', 0.7, 100, 'nobody', 1, 'completed', now(), now()
FROM made, generate_series(1, 25) AS number
"""
# Behind the migration is also who stands in line behind it while it waits itself.
_WAITS: Final = """
SELECT extract(epoch FROM clock_timestamp() - waitstart)::float AS seconds,
    concat_ws(' ', application_name, locktype, relation::regclass, mode) AS what,
    EXISTS (SELECT FROM pg_stat_activity AS other
        WHERE other.pid = any(pg_blocking_pids(pg_locks.pid)) AND other.application_name = 'migrate') AS is_behind
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND waitstart IS NOT NULL AND datname = current_database() AND application_name <> 'migrate'
"""


@dataclass
class Seen:
    """What was waited for in each phase, seconds, and what failed; locks that others had, and the migration."""

    phase: str = _PHASES[0]
    is_over: bool = False
    asked: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    locks: dict[tuple[str, bool], tuple[float, str]] = field(
        default_factory=lambda: defaultdict(lambda: (0.0, ""))
    )
    failed: list[str] = field(default_factory=list)


def main() -> None:
    arguments = _arguments()
    seen = Seen()
    try:
        with (
            data_folder() as folder,
            model_server() as model,
            stack(folder, python=arguments.python) as parley,
        ):
            environment = _environment(folder / "data")
            database = environment["CHAT_WORKER_DATABASE_URL"]
            _fill(database, arguments.messages)
            model_url = f"http://127.0.0.1:{model.port}/v1"
            threads = [
                threading.Thread(target=_use, args=(parley.parley, model_url, seen))
                for _ in range(_USERS)
            ]
            threads.append(threading.Thread(target=_watch, args=(database, seen)))
            for thread in threads:
                thread.start()
            try:
                time.sleep(_QUIET_SECONDS)
                seen.phase, began = "meanwhile", time.monotonic()
                migrated = subprocess.run(
                    [sys.executable, "-m", "chat_service", "migrate"], env=environment, check=False
                )
                seconds = time.monotonic() - began
                seen.phase = "behind"
                time.sleep(_QUIET_SECONDS)
            finally:
                seen.is_over = True
                for thread in threads:
                    thread.join()
    except StackError as error:
        print(error, *error.__notes__, sep="\n", file=sys.stderr)
        sys.exit(1)
    print(machine(), "load", *(f"{load:.0f}" for load in os.getloadavg()))
    print(
        f"{arguments.messages} messages, migrated in {seconds:.1f} s with the start, status {migrated.returncode}"
    )
    for phase in _PHASES:
        told = (
            _told(kind, seen.asked[phase, kind]) for kind in ("answer", "list", "open", "search")
        )
        longest, what = seen.locks[phase, False]
        print(
            f"{phase}: {'; '.join(told)}; longest wait for another's lock {longest * 1000:.0f} ms {what}"
        )
    behind, what = seen.locks["meanwhile", True]
    print(f"longest wait behind the migration: {behind * 1000:.0f} ms {what}")
    print(f"failed: {len(seen.failed)} {seen.failed[:3]}")
    sys.exit(1 if seen.failed or migrated.returncode or behind >= _BAR_SECONDS else 0)


def _told(kind: str, seconds: list[float]) -> str:
    if not seconds:
        return f"{kind} 0"
    ordered = sorted(seconds)
    middle, slowest = ordered[len(ordered) // 2] * 1000, ordered[-1] * 1000
    return f"{kind} {len(ordered)}, p50 {middle:.0f} ms, the slowest {slowest:.0f} ms"


def _environment(data: Path) -> Mapping[str, str]:
    """What chat-service's commands are to find, and the owner of its database, which the runner alone knows."""
    told = environment_of(CHAT, data, dict(os.environ))
    worker = urlsplit(told["CHAT_WORKER_DATABASE_URL"])
    password = State(data).passwords("chat")["owner"]
    owner = worker._replace(netloc=f"parley_chat_owner:{password}@{worker.hostname}:{worker.port}")
    return {**os.environ, **told, "CHAT_OWNER_DATABASE_URL": owner.geturl()}


def _fill(database: str, messages: int) -> None:
    with psycopg.connect(
        database, cursor_factory=psycopg.ClientCursor, autocommit=True
    ) as connection:
        for first in range(1, messages // 50 + 1, _BATCH):
            connection.execute(_FILL, {"first": first, "last": first + _BATCH - 1})
        connection.execute("ANALYZE sessions, messages, runs")


def _watch(database: str, seen: Seen) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        while not seen.is_over:
            for seconds, what, is_behind in connection.execute(_WAITS).fetchall():
                at = (seen.phase, is_behind)
                seen.locks[at] = max(seen.locks[at], (seconds, what))
            time.sleep(_LOOK_SECONDS)


def _use(parley: Parley, model_url: str, seen: Seen) -> None:
    """Asks, lists, opens and searches by turns."""
    try:
        user = parley.new_user(model_url)
        session_id = parley.ask("POST", "/chat/sessions", {}, user.token)["id"]
        messages = f"/chat/sessions/{session_id}/messages"
        renewed = time.monotonic()
        while not seen.is_over:
            if time.monotonic() - renewed > _RENEW_SECONDS:
                parley.renew(user)
                renewed = time.monotonic()
            for kind, method, path, body in (
                ("answer", "POST", messages, {"content": "What is Parley?"}),
                ("list", "GET", "/chat/sessions", None),
                ("open", "GET", messages, None),
                ("search", "GET", "/search?q=Parley", None),
            ):
                phase, began = seen.phase, time.monotonic()
                parley.ask(method, path, body, user.token)
                seen.asked[phase, kind].append(time.monotonic() - began)
    except (RefusedError, OSError) as error:
        seen.failed.append(f"{seen.phase}: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.upgrade", description=__doc__)
    parser.add_argument("--from", dest="python", type=Path, required=True, metavar="PYTHON")
    parser.add_argument("--messages", type=int, default=1_000_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
