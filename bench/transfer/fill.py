"""Messages of one user, written past the services."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import psycopg

from bench.conversations.people import chat_database
from bench.rest import Parley, User
from bench.stack import StackError
from parley_local.command import environment_of
from parley_local.topology import CHAT

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
_INDEXED_SECONDS: Final = 3600.0
_UNINDEXED = "SELECT 1 FROM sessions WHERE indexed_count IS DISTINCT FROM message_count LIMIT 1"


def fill(
    folder: Path, parley: Parley, user: User, messages: int, *, as_if_indexed: bool = False
) -> None:
    """So many messages in conversations of fifty, once search has indexed them (``as_if_indexed``: at once).

    Raises StackError if they are not indexed within an hour.
    """
    # The first write makes the owner's row.
    parley.ask("POST", "/chat/sessions", {}, user.token)
    user_id = parley.ask("GET", "/me", None, user.token)["id"]
    environment = environment_of(CHAT, folder / "data", dict(os.environ))
    url = environment["CHAT_WORKER_DATABASE_URL"]
    conversations = messages // 50
    told = {"user": user_id, "indexed": 50 if as_if_indexed else 0}

    def fill_part(turn: int) -> None:
        with psycopg.connect(url, cursor_factory=psycopg.ClientCursor, autocommit=True) as mine:
            for first in range(1 + turn * _BATCH, conversations + 1, _AT_ONCE * _BATCH):
                last = min(first + _BATCH - 1, conversations)
                mine.execute(_FILL, {**told, "first": first, "last": last})

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for filled in [pool.submit(fill_part, turn) for turn in range(_AT_ONCE)]:
            filled.result()
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        # Else autovacuum does it during the export, and what that takes is told as the export's.
        admin.execute("VACUUM ANALYZE sessions, messages")
    with psycopg.connect(url, autocommit=True) as connection:
        # What one exports has been indexed for search long before; that work is not the export's.
        deadline = time.monotonic() + _INDEXED_SECONDS
        while connection.execute(_UNINDEXED).fetchone():
            if time.monotonic() > deadline:
                raise StackError("search has not indexed the messages")
            time.sleep(0.5)
