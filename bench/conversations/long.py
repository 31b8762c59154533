"""One conversation of many thousand messages, and what its user waits for in it.

Beside each request stands the longest statement that PostgreSQL executed for it, by its own clock: what that
has locked others wait for.
"""

import random
import re
import secrets
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import psycopg
from psycopg import sql

from bench.conversations.make import messages_of, write
from bench.conversations.people import chat_database, log_in, new_key, register
from bench.conversations.texts import Texts
from bench.rest import Parley, RefusedError

_ROLE: Final = "parley_chat_app"
_ROUNDS: Final = 3
_DURATION: Final = re.compile(r"duration: ([\d.]+) ms")
# As the run of each answer has left them.
_RUNS: Final = """
INSERT INTO runs (id, session_id, tenant_id, user_id, question_id, answer_id, question_order,
    answer_order, provider, model, temperature, max_tokens, owner, epoch, status, created_at, ended_at)
SELECT gen_random_uuid(), answer.session_id, answer.tenant_id, answer.user_id, question.id, answer.id,
    question."order", answer."order", 'openai', 'demo', 0.7, 100, 'nobody', 1, 'completed',
    answer.created_at, answer.created_at
FROM messages AS answer JOIN messages AS question
    ON question.session_id = answer.session_id AND question."order" = answer.parent_order
WHERE answer.session_id = %s AND answer.role = 'assistant'
"""


def measure(parley: Parley, folder: Path, model_url: str, *, messages: int, seed: int) -> None:
    """Make such a conversation of a new user's, ask for all that can be done with it, and print it."""
    (person,) = register(parley, 1, prefix=f"long-{secrets.token_hex(4)}")
    # Ids are drawn too: no two runs have the same ones.
    chance, texts = random.Random(person.id.int), Texts(seed)
    # A tenth of the answers is there in two variants.
    rows = list(messages_of(chance, texts, messages * 10 // 21))
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        session_id = write(admin, chance, texts, person, rows)
        admin.execute(_RUNS, [session_id])
        admin.execute("VACUUM ANALYZE sessions, messages, runs, search_texts")
        with _told(admin):
            token = log_in(parley, person)
            # Those whose connection was ended are told so, once.
            for _ in range(20):
                parley.request("GET", "/api/v1/chat/sessions", token=token)
            new_key(parley, token, model_url)
            log = folder / "data" / "postgres" / "server.log"
            asking = _Asking(parley, log, token, str(session_id))
            for _ in range(_ROUNDS):
                asking.round()
            parley.request(
                "DELETE", f"/api/v1/chat/sessions/{session_id}?permanent=true", token=token
            )
    print(f"{len(rows)} messages, {_ROUNDS} rounds: median, slowest, longest statement, ms")
    for name, waited in asking.waited.items():
        took, statements = zip(*waited, strict=True)
        print(
            f"| {name} | {statistics.median(took):.0f} | {max(took):.0f} | {max(statements):.0f} |"
        )


@contextmanager
def _told(admin: psycopg.Connection) -> Iterator[None]:
    """Meanwhile PostgreSQL writes down how long each of the service's statements took."""
    role = sql.Identifier(_ROLE)
    admin.execute(sql.SQL("ALTER ROLE {} SET log_min_duration_statement = 0").format(role))
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
    admin.execute(end, [_ROLE])
    try:
        yield
    finally:
        admin.execute(sql.SQL("ALTER ROLE {} RESET log_min_duration_statement").format(role))
        admin.execute(end, [_ROLE])


class _Asking:
    def __init__(self, parley: Parley, log: Path, token: str, session_id: str) -> None:
        self._parley, self._log, self._token = parley, log, token
        self._url = f"/chat/sessions/{session_id}"
        self.waited: dict[str, list[tuple[float, float]]] = {}

    def round(self) -> None:
        """All of it, once; the conversation is behind it as before, with some messages more."""
        url, ask = self._url, self._ask
        page = ask("the first 50 messages", "GET", f"{url}/messages?limit=50")
        question, answer = page["items"][:2]
        newest = ask("the newest 50", "GET", f"{url}/messages?order=desc&limit=50")
        ask("the newest 50, counted", "GET", f"{url}/messages?order=desc&limit=50&count=true")
        ask("50 of all paths, counted", "GET", f"{url}/messages?path=all&limit=50&count=true")
        last = newest["items"][0]
        for _ in range(3):
            page = self._answer("GET", f"{url}/messages?limit=100&cursor={page['next_cursor']}")
        ask("50 from the middle", "GET", f"{url}/messages?limit=50&cursor={page['next_cursor']}")
        ask("a question, answered", "POST", f"{url}/messages", {"content": "What is Parley?"})
        leaf = self._answer("GET", f"{url}/messages?order=desc&limit=1")["items"][0]
        ask("what a model was given", "GET", f"{url}/messages/{leaf['id']}/context")
        ask("the run to recover", "GET", f"{url}/recover")
        ask("the last answer once more", "POST", f"{url}/messages/{leaf['id']}/regenerate", {})
        edit = {"content": "And why is that?"}
        ask("the first answer edited", "POST", f"{url}/messages/{answer['id']}/edit", edit)
        ask("the long path chosen again", "POST", f"{url}/messages/{last['id']}/choose")
        ask("the first question edited", "POST", f"{url}/messages/{question['id']}/edit", edit)
        self._answer("POST", f"{url}/messages/{last['id']}/choose")
        self._copies()
        ask("deleted", "DELETE", url)
        ask("restored", "POST", f"{url}/restore")
        ask("exported", "GET", f"{url}/export")

    def _copies(self) -> None:
        url, ask = self._url, self._ask
        shared = ask("shared", "POST", f"{url}/shares", {})
        share, token = f"/chat/shares/{shared['id']}", shared["token"]
        ask("the share refreshed", "POST", f"{share}/refresh")
        ask("the share read", "GET", f"/shares/{token}")
        copies = [ask("the share forked", "POST", f"/shares/{token}/fork", {})["id"]]
        ask("the share taken back", "DELETE", share)
        copies.append(ask("forked", "POST", f"{url}/fork", {})["id"])
        behind = self._answer("GET", f"/chat/sessions/{copies[1]}/messages?limit=2")["items"][1]
        message = f"/chat/sessions/{copies[1]}/messages/{behind['id']}"
        ask("a message that most follow, measured", "GET", f"{message}/extent")
        ask("that message deleted", "DELETE", message)
        ask("cleared of its messages", "DELETE", f"/chat/sessions/{copies[0]}/messages")
        ask("deleted for good", "DELETE", f"/chat/sessions/{copies[1]}?permanent=true")

    def _ask(self, name: str, method: str, path: str, body: object = None) -> Any:
        begins = self._log.stat().st_size
        began = time.perf_counter()
        answer = self._answer(method, path, body)
        took = (time.perf_counter() - began) * 1000
        with self._log.open(encoding="utf-8", errors="replace") as file:
            file.seek(begins)
            longest = max(map(float, _DURATION.findall(file.read())), default=0.0)
        self.waited.setdefault(name, []).append((took, longest))
        return answer

    def _answer(self, method: str, path: str, body: object = None) -> Any:
        status, content = self._parley.request(method, f"/api/v1{path}", body, self._token)
        if not 200 <= status < 300:
            raise RefusedError(f"{method} {path}: {status} {content[:500].decode()}")
        return orjson.loads(content) if content else None
