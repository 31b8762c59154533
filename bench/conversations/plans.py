"""How PostgreSQL goes about what people ask most, in its own words, as a page of Markdown.

The plans are those that are executed: the services' own connections tell them (contrib's auto_explain), with
the rows that were read, behind as many requests as it takes until a plan is kept.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from bench.conversations.people import Person, chat_database, kept, log_in, new_key
from bench.rest import Parley

_ROLES: Final = ("parley_chat_app", "parley_notes_app")
_SETTINGS: Final = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_parameter_max_length": "0",
}
# A statement is planned for its values five times before one plan is kept for all.
_TIMES: Final = 8
_ENTRY: Final = re.compile(
    r"duration: [\d.]+ ms  plan:\n\tQuery Text: (?P<query>.*?)\n\t(?P<plan>\w[^\n]*cost=.*?)(?=\n[^\t]|\Z)",
    re.DOTALL,
)
_NOISE: Final = re.compile(r"cost=\S+ rows=\d+ width=\d+\) \(")
_TABLES: Final = re.compile(r"\b(messages|sessions|search_texts|notes|search_notes)\b")


def print_plans(parley: Parley, folder: Path, model_url: str) -> None:
    """Ask as the user with the most messages, and print what PostgreSQL did for it."""
    people = sorted(kept(folder), key=lambda one: one.messages, reverse=True)
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        (total,) = admin.execute("SELECT count(*) FROM messages").fetchone() or (0,)
        print(
            f"# Plans of what is asked most\n\n"
            f"Made by `python -m bench.conversations plans`, of a database with {total:,} messages of"
            f" {len(people)} users, {people[0].messages:,} of them the asking user's. Each plan is the one"
            f" that was executed, of a statement that is prepared and planned once for all values."
        )
        _tell(admin, True)
        try:
            _pages(parley, folder, people[0], model_url)
        finally:
            _tell(admin, False)


def _tell(admin: psycopg.Connection, on: bool) -> None:
    """Connections that begin behind it tell their plans, or do not; those before it end."""
    for role in _ROLES:
        for name, value in _SETTINGS.items():
            change = sql.SQL("ALTER ROLE {} SET {} = {}" if on else "ALTER ROLE {} RESET {}")
            admin.execute(
                change.format(
                    sql.Identifier(role),
                    sql.Identifier(*[name]),
                    *([sql.Literal(value)] if on else []),
                )
            )
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY (%s)",
        [list(_ROLES)],
    )


def _pages(parley: Parley, folder: Path, person: Person, model_url: str) -> None:
    token = log_in(parley, person)
    log = folder / "data" / "postgres" / "server.log"
    # Those whose connection was ended are told so, once.
    for path in ("/chat/sessions", "/notes") * _TIMES:
        parley.request("GET", f"/api/v1{path}", token=token)
    page = parley.ask("GET", "/chat/sessions", token=token)
    for _ in range(8):
        page = parley.ask("GET", f"/chat/sessions?cursor={page['next_cursor']}", token=token)
    cursor, session = page["next_cursor"], page["items"][0]["id"]
    asked = {
        "The list of conversations": "/chat/sessions",
        "The page behind nine others": f"/chat/sessions?cursor={cursor}",
        "The newest 50 messages of a conversation": (
            f"/chat/sessions/{session}/messages?order=desc&limit=50"
        ),
        "A search for a frequent word": "/search?types=sessions,messages&q=the",
        "A search for a word that is nowhere": "/search?types=sessions,messages&q=qzxjk",
        "A search in notes": "/search?types=notes&q=the",
        "The list of notes": "/notes",
    }
    for title, path in asked.items():
        for _ in range(_TIMES):
            parley.ask("GET", path, token=token)
        _print(title, _told(log, partial(parley.ask, "GET", path, token=token)))
    key_id = new_key(parley, token, model_url)
    body = {"content": "And then?", "key_id": key_id, "model": "tokens-1"}

    def ask() -> object:
        return parley.request("POST", f"/api/v1/chat/sessions/{session}/messages", body, token)

    try:
        for _ in range(_TIMES):
            ask()
        _print("A question, and what the model is given", _told(log, ask))
    finally:
        parley.ask("DELETE", f"/keys/{key_id}", token=token)


def _told(log: Path, act: Callable[[], object]) -> Sequence[tuple[str, str]]:
    """Statements and their plans, each once, of what is done."""
    begins = log.stat().st_size
    act()
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(begins)
        said = file.read()
    found = {
        entry["query"]: _NOISE.sub("", entry["plan"])
        for entry in _ENTRY.finditer(said)
        if _TABLES.search(entry["query"])
    }
    return list(found.items())


def _print(title: str, plans: Iterable[tuple[str, str]]) -> None:
    print(f"\n## {title}")
    for query, plan in plans:
        short = " ".join(query.split())
        print(f"\n`{short[:150]}{' …' if len(short) > 150 else ''}`\n\n```")
        print("\n".join(line.removeprefix("\t").rstrip() for line in plan.splitlines()))
        print("```")
