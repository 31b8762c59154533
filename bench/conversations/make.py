"""Fills a database with conversations, as people have them who have been there for a year and a half."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from psycopg import sql

from bench.conversations.people import Person, chat_database, keep, register
from bench.conversations.texts import Texts
from bench.rest import Parley
from servicekit.search_filters import filter_of

_NEWEST: Final = datetime(2026, 11, 26, tzinfo=UTC)
_DAYS: Final = 540
# Of answers: those that were asked for once more. Of sessions.
_VARIANTS: Final = 0.1
_ARCHIVED: Final = 0.15
_SESSIONS: Final = (
    "id, tenant_id, user_id, title, last_order, message_count, leaf_order, read_order, last_message_at,"
    " created_at, updated_at, title_by, archived_at, indexed_count"
)
_MESSAGES: Final = (
    'id, session_id, tenant_id, user_id, role, content, "order", parent_order, chosen, status,'
    " provider, model, created_at"
)
_TEXTS: Final = "id, tenant_id, user_id, session_id, role, at, filter, size"
_INDEX: Final = "search_texts_by_time"


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is to be; the first users have more of it than the others."""

    messages: int
    sessions: int
    users: int


@dataclass(frozen=True, slots=True)
class _Message:
    id: UUID
    role: str
    content: str
    order: int
    parent_order: int
    chosen: bool
    at: datetime


def fill(parley: Parley, folder: Path, size: Size, *, seed: int) -> None:
    """Register users and write their conversations, with the index as the service makes it."""
    began = time.monotonic()
    people = register(parley, size.users)
    chance, texts = random.Random(seed), Texts(seed)
    written = dict.fromkeys(range(size.users), 0)
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        # Built at the end it takes a fifth of the time.
        (index,) = admin.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = %s", [_INDEX]
        ).fetchone() or ("",)
        admin.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(_INDEX)))
        left = size.messages
        for number in range(size.sessions):
            turns = _turns(chance, left, size.sessions - number)
            owner = int(size.users * chance.random() ** 2)
            messages = list(messages_of(chance, texts, turns))
            write(admin, chance, texts, people[owner], messages)
            written[owner] += len(messages)
            left -= len(messages)
        print(f"written in {time.monotonic() - began:.0f} s", flush=True)
        admin.execute("SET maintenance_work_mem = '512MB'")
        admin.execute(index.encode())
        admin.execute("VACUUM ANALYZE")
        print(f"indexed in {time.monotonic() - began:.0f} s", flush=True)
    keep(folder, [replace(one, messages=written[n]) for n, one in enumerate(people)])


def _turns(chance: random.Random, messages: int, sessions: int) -> int:
    """Of one more session: most are short, some have hundreds of turns, and the sum is what is left."""
    mean = max(1.0, messages / sessions / (2 + _VARIANTS))
    return max(1, min(400, round(chance.expovariate(1 / mean))))


def messages_of(chance: random.Random, texts: Texts, turns: int) -> Iterator[_Message]:
    at = _NEWEST - timedelta(days=_DAYS * chance.random())
    order = leaf = 0
    for _ in range(turns):
        at = min(_NEWEST, at + timedelta(seconds=chance.expovariate(1 / 600)))
        order += 1
        question = order
        yield _Message(_id(chance, at), "user", texts.question(), order, leaf, True, at)
        variants = 2 if chance.random() < _VARIANTS else 1
        for variant in range(variants):
            at = min(_NEWEST, at + timedelta(seconds=20))
            order += 1
            last = variant == variants - 1
            yield _Message(_id(chance, at), "assistant", texts.answer(), order, question, last, at)
        leaf = order


def _id(chance: random.Random, at: datetime) -> UUID:
    """A UUIDv7 of that moment."""
    milliseconds = int(at.timestamp() * 1000) << 80
    return UUID(int=milliseconds | 0x7 << 76 | 0b10 << 62 | chance.getrandbits(62))


def write(
    admin: psycopg.Connection,
    chance: random.Random,
    texts: Texts,
    owner: Person,
    messages: list[_Message],
) -> UUID:
    first, last = messages[0], messages[-1]
    session_id, title = _id(chance, first.at), texts.title()
    archived_at = last.at if chance.random() < _ARCHIVED else None
    whose = (owner.tenant_id, owner.id)
    with admin.transaction():
        with admin.cursor().copy(f"COPY sessions ({_SESSIONS}) FROM STDIN".encode()) as copy:
            orders = (last.order, len(messages), last.order, last.order)
            times = (last.at, first.at, last.at)
            copy.write_row(
                (
                    session_id,
                    *whose,
                    title,
                    *orders,
                    *times,
                    "first_line",
                    archived_at,
                    len(messages),
                )
            )
        with admin.cursor().copy(f"COPY messages ({_MESSAGES}) FROM STDIN".encode()) as copy:
            for one in messages:
                answer = ("completed", "openai", "demo") if one.role == "assistant" else (None,) * 3
                said = (one.role, one.content, one.order, one.parent_order, one.chosen)
                copy.write_row((one.id, session_id, *whose, *said, *answer, one.at))
        with admin.cursor().copy(f"COPY search_texts ({_TEXTS}) FROM STDIN".encode()) as copy:
            rows = [(session_id, "title", first.at, title)]
            rows += [(one.id, one.role, one.at, one.content) for one in messages]
            for identifier, role, at, content in rows:
                of_it = filter_of(content)
                copy.write_row((identifier, *whose, session_id, role, at, of_it.bits, of_it.size))
    return session_id
