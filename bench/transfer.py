"""`python -m bench.transfer`: what it costs to take all of one's conversations out, and to bring others in.

A Parley of its own. ``export`` fills it with messages of one user, in conversations of fifty, waits until search has
indexed them, and downloads them in each format: the time to the first byte and to the last, then once more with a look
at all processes of the stack, for the most memory that they have together beyond what they had before. With
``--as-if-indexed`` search has nothing to do with the messages, which for millions takes an hour. ``import``
uploads an export of ChatGPT's of so many megabytes, made as it is sent, and waits until it has been read; the same
memory is told of both parts. Exit status 1 if a file was not whole or a conversation is missing.
"""

import argparse
import hashlib
import http.client
import math
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg

from bench import procfs
from bench.report import machine
from bench.rest import Parley, RefusedError, User
from bench.stack import Stack, StackError, data_folder, stack
from parley_local.command import environment_of
from parley_local.model_server.process import model_server
from parley_local.topology import CHAT

_LOOK_SECONDS: Final = 0.1
_PIECE: Final = 256 * 1024
_LONGEST_SECONDS: Final = 3600.0
_RENEW_SECONDS: Final = 120.0

# Fifty messages of 40 to 1,000 characters in each conversation.
_FILL = """
WITH made AS (
    INSERT INTO sessions (id, tenant_id, user_id, title, title_by, last_order, message_count, leaf_order,
        read_order, indexed_count, last_message_at, created_at, updated_at)
    SELECT gen_random_uuid(), owner.tenant_id, owner.user_id, 'Conversation ' || number, 'user', 50, 50, 50,
        50, %(indexed)s, now(), now(), now()
    FROM generate_series(%(first)s::int, %(last)s::int) AS number,
        (SELECT tenant_id, user_id FROM owners WHERE user_id = %(user)s) AS owner
    RETURNING id, tenant_id, user_id)
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", parent_order, status,
    provider, model, prompt_tokens, completion_tokens, created_at)
SELECT gen_random_uuid(), made.id, made.tenant_id, made.user_id,
    CASE number %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
    repeat(CASE number %% 3 WHEN 0 THEN '"quoted" = and' WHEN 1 THEN '中文的一句话。' ELSE 'plain words ' END || E'\n',
        3 + number * 7 %% 60),
    number, number - 1, CASE number %% 2 WHEN 0 THEN 'completed' END,
    CASE number %% 2 WHEN 0 THEN 'openai' END, CASE number %% 2 WHEN 0 THEN 'demo' END,
    CASE number %% 2 WHEN 0 THEN 300 END, CASE number %% 2 WHEN 0 THEN 200 END, now()
FROM made, generate_series(1, 50) AS number
"""
_BATCH: Final = 400
_AT_ONCE: Final = 3
_WARM_BYTES: Final = 20_000_000
_QUERIES: Final = {
    "json": "json",
    "csv": "csv",
    "markdown": "markdown",
    "json.gz": "json&gzip=true",
}
_UNINDEXED = "SELECT 1 FROM sessions WHERE indexed_count IS DISTINCT FROM message_count LIMIT 1"


def main() -> None:
    arguments = _arguments()
    try:
        with data_folder() as folder, model_server() as model, stack(folder) as parley:
            user = parley.parley.new_user(f"http://127.0.0.1:{model.port}/v1")
            print(machine())
            if arguments.what == "export":
                _fill(folder, parley.parley, user, arguments)
                whole = _export_all(parley, user, arguments)
            else:
                whole = _import(parley, user, arguments.megabytes)
    except (StackError, RefusedError) as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        sys.exit(1)
    sys.exit(0 if whole else 1)


def _fill(folder: Path, parley: Parley, user: User, arguments: argparse.Namespace) -> None:
    # The first write makes the owner's row.
    parley.ask("POST", "/chat/sessions", {}, user.token)
    user_id = parley.ask("GET", "/me", None, user.token)["id"]
    environment = environment_of(CHAT, folder / "data", dict(os.environ))
    url = environment["CHAT_WORKER_DATABASE_URL"]
    conversations = arguments.messages // 50
    told = {"user": user_id, "indexed": 50 if arguments.as_if_indexed else 0}

    def fill(turn: int) -> None:
        with psycopg.connect(url, cursor_factory=psycopg.ClientCursor, autocommit=True) as mine:
            for first in range(1 + turn * _BATCH, conversations + 1, _AT_ONCE * _BATCH):
                last = min(first + _BATCH - 1, conversations)
                mine.execute(_FILL, {**told, "first": first, "last": last})

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for filled in [pool.submit(fill, turn) for turn in range(_AT_ONCE)]:
            filled.result()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE sessions, messages")
        # What one exports has been indexed for search long before; that work is not the export's.
        deadline = time.monotonic() + _LONGEST_SECONDS
        while connection.execute(_UNINDEXED).fetchone():
            if time.monotonic() > deadline:
                raise StackError("search has not indexed the messages")
            time.sleep(0.5)


def _export_all(parley: Stack, user: User, arguments: argparse.Namespace) -> bool:
    whole, messages = True, arguments.messages
    # Once for nothing: plans are made, and the first pages of the database are in memory.
    parley.parley.renew(user)
    _download(parley.parley, user, "csv", most=_WARM_BYTES)
    print(
        f"{messages} messages\n{'':10} {'first byte':>11} {'last byte':>10} {'size':>9} {'more memory':>12}"
    )
    for name in arguments.formats.split(","):
        query = _QUERIES[name]
        parley.parley.renew(user)
        with _watched(parley) if arguments.once else nullcontext([0.0]) as seen:
            first, last, size, told = _download(parley.parley, user, query)
        more = max(seen) - seen[0]
        if not arguments.once:
            parley.parley.renew(user)
            more = _most_memory(parley, partial(_download, parley.parley, user, query))
        print(
            f"{name:10} {first * 1000:8.0f} ms {last:8.2f} s {size / 1e6:6.1f} MB {more:8.1f} MiB"
        )
        whole = whole and (told is None or told["messages"] == messages)
    return whole


def _download(
    parley: Parley, user: User, query: str, *, most: float = math.inf
) -> tuple[float, float, int, dict[str, Any] | None]:
    """Seconds to the first byte and to the last, bytes, and what JSON's last line tells, which is checked."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", parley.port, timeout=60)
    try:
        connection.request(
            "GET",
            f"/api/v1/chat/export?format={query}",
            headers={"Authorization": f"Bearer {user.token}"},
        )
        response = connection.getresponse()
        if response.status != 200:
            raise RefusedError(f"export: {response.status} {response.read(500)!r}")
        piece = response.read1(_PIECE)
        first = time.perf_counter() - began
        size, digest, end = 0, hashlib.sha256(), b""
        while piece and size < most:
            size += len(piece)
            if query == "json":
                end += piece
                cut = end.rfind(b"\n", 0, -1) + 1
                digest.update(end[:cut])
                end = end[cut:]
            piece = response.read1(_PIECE)
    finally:
        connection.close()
    last = time.perf_counter() - began
    if query != "json":
        return first, last, size, None
    told: dict[str, Any] = orjson.loads(b"{" + end.rstrip())["end"]
    if told["sha256"] != digest.hexdigest():
        raise RefusedError("the file is not what its last line says")
    return first, last, size, told


def _import(parley: Stack, user: User, megabytes: int) -> bool:
    sent: dict[str, Any] = {}

    def upload() -> None:
        began = time.perf_counter()
        sent.update(_upload(parley.parley, user, megabytes * 1_000_000))
        sent["seconds"] = time.perf_counter() - began

    more = _most_memory(parley, upload)
    print(
        f"upload of {sent['size'] / 1e6:.0f} MB: {sent['seconds']:.0f} s, {more:.1f} MiB more memory"
    )
    told: dict[str, Any] = {}

    def wait() -> None:
        renewed = time.monotonic()
        deadline = renewed + _LONGEST_SECONDS
        while time.monotonic() < deadline:
            if time.monotonic() - renewed > _RENEW_SECONDS:
                parley.parley.renew(user)
                renewed = time.monotonic()
            told.update(parley.parley.ask("GET", f"/chat/imports/{sent['id']}", None, user.token))
            if told["ended_at"] is not None:
                return
            time.sleep(0.5)

    began = time.perf_counter()
    more = _most_memory(parley, wait)
    print(
        f"read in {time.perf_counter() - began:.0f} s, {more:.1f} MiB more memory: {told['state']},"
        f" {told['added']} conversations, {told['messages']} messages"
    )
    return bool(told["state"] == "completed" and told["added"] == sent["conversations"])


def _upload(parley: Parley, user: User, least: int) -> dict[str, Any]:
    """An export of ChatGPT's of about so many bytes, made as it is sent."""
    boundary = secrets.token_hex(16)
    made = 0

    def body() -> Iterator[bytes]:
        nonlocal made
        yield (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="conversations.json"'
            "\r\nContent-Type: application/json\r\n\r\n["
        ).encode()
        size = 0
        while size < least:
            piece = (b"," if made else b"") + orjson.dumps(_conversation(made))
            made += 1
            size += len(piece)
            yield piece
        yield f"]\r\n--{boundary}--\r\n".encode()

    connection = http.client.HTTPConnection("127.0.0.1", parley.port, timeout=120)
    try:
        connection.request(
            "POST",
            "/api/v1/chat/import",
            body(),
            {
                "Authorization": f"Bearer {user.token}",
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
            encode_chunked=True,
        )
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != 202:
        raise RefusedError(f"import: {response.status} {content[:500]!r}")
    return {**orjson.loads(content), "conversations": made}


def _conversation(number: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": ["0"]}
    }
    for place in range(40):
        role = "assistant" if place % 2 else "user"
        nodes[str(place)] = {
            "id": str(place),
            "parent": str(place - 1) if place else "root",
            "children": [str(place + 1)],
            "message": {
                "id": f"{number}-{place}",
                "author": {"role": role, "name": None, "metadata": {}},
                "create_time": 1_700_000_000.5 + number * 100 + place,
                "update_time": None,
                "content": {
                    "content_type": "text",
                    "parts": [f"message {place} of {number}: " + 'words and 词语 "quoted"\n' * 40],
                },
                "status": "finished_successfully",
                "end_turn": True,
                "weight": 1.0,
                "metadata": {
                    "model_slug": "gpt-4o",
                    "request_id": "x" * 32,
                    "timestamp_": "absolute",
                },
                "recipient": "all",
                "channel": None,
            },
        }
    return {
        "title": f"Conversation {number}",
        "create_time": 1_700_000_000.5 + number * 100,
        "mapping": nodes,
        "current_node": "39",
        "conversation_id": f"bench-{number}",
        "is_archived": False,
    }


@contextmanager
def _watched(parley: Stack) -> Iterator[list[float]]:
    """The sum of all processes' memory at each look, but for that of files, MiB."""
    over = threading.Event()
    seen = [_memory(parley)]

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            seen.append(_memory(parley))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        over.set()
        looking.join()


def _most_memory(parley: Stack, work: Callable[[], object]) -> float:
    """The most that all processes of the stack have together beyond what they had before, MiB."""
    with _watched(parley) as seen:
        work()
    return max(seen) - seen[0]


def _memory(parley: Stack) -> float:
    total = 0
    for process in procfs.tree(parley.runner.pid):
        try:
            # Pages of programs are shared with whatever else runs here, and counted anew when that ends.
            total += procfs.pss_kib(process.pid) - procfs.pss_kib(process.pid, "Pss_File")
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            continue  # it has just ended
    return total / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description=__doc__)
    parser.add_argument("what", choices=("export", "import"))
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--formats", default=",".join(_QUERIES))
    parser.add_argument("--as-if-indexed", action="store_true")
    parser.add_argument("--once", action="store_true", help="time and memory of one download")
    parser.add_argument("--megabytes", type=int, default=1_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
