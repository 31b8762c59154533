"""How long it takes to make what a model is given for a question, without the turn around it.

Conversations of a new user's, short and long, with instructions and with files, stand beside all that there is, and some
of the others' own are looked at as well. What is measured is chat-service's own code, in a process of its own.
"""

import os
import random
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg

from bench.conversations.make import messages_of, write
from bench.conversations.measure import Beside, Load
from bench.conversations.people import chat_database, log_in, new_key, register
from bench.conversations.texts import Texts
from bench.stack import Stack
from chassis.embedded import child_command
from parley_local.command import environment_of
from parley_local.topology import CHAT

_COST: Final = Path("chat-service/tests/context/cost.py")
# With variants of a tenth of the answers.
_LONG: Final = (20, 300, 2_000)
_FILES: Final = 5
_FILE_BYTES: Final = 20_000
_TOLD: Final = """
UPDATE sessions SET persona = 'house', persona_prompt = %(words)s, instructions = %(words)s, summary = true
WHERE id = %(id)s
"""
# Of a message that the window does not reach: the newest one that there is sums up all before it.
_SUMMED_UP: Final = """
UPDATE messages SET summary = %(words)s
WHERE session_id = %(id)s AND chosen AND "order" = (
    SELECT "order" FROM messages WHERE session_id = %(id)s AND chosen ORDER BY "order" DESC OFFSET 30 LIMIT 1)
"""
_OTHERS: Final = """
SELECT tenant_id, user_id, id FROM sessions WHERE deleted_at IS NULL AND message_count > 0
ORDER BY id DESC LIMIT 5000
"""


def measure(stack: Stack, folder: Path, model_url: str, load: Load) -> None:
    """Print it for each kind of conversation, and take away what was made for it."""
    parley = stack.parley
    (person,) = register(parley, 1, prefix=f"context-{secrets.token_hex(4)}")
    chance, texts = random.Random(person.id.int), Texts(load.seed)
    words = "You are of this house, and say what is asked. " * 20
    token = log_in(parley, person)
    made: list[tuple[str, UUID]] = []
    with psycopg.connect(chat_database(folder), autocommit=True) as admin:
        for length in _LONG:
            rows = list(messages_of(chance, texts, length * 10 // 21))
            made.append((f"{length} messages", write(admin, chance, texts, person, rows)))
        rows = list(messages_of(chance, texts, _LONG[1] * 10 // 21))
        told = write(admin, chance, texts, person, rows)
        for statement in (_TOLD, _SUMMED_UP):
            admin.execute(statement, {"id": told, "words": words})
        made.append((f"{_LONG[1]} messages, persona, instructions, summary", told))
        made.append((f"{_FILES} questions with a file each", _with_files(stack, token, model_url)))
        others = chance.sample(admin.execute(_OTHERS).fetchall(), 300)
        admin.execute("VACUUM ANALYZE messages")
    kinds = [[_line("anybody's", *ids) for ids in others]]
    kinds += [[_line(kind, person.tenant_id, person.id, one)] for kind, one in made]
    url = environment_of(CHAT, folder / "data", dict(os.environ))["CHAT_DATABASE_URL"]
    cost = [
        sys.executable,
        str(_COST),
        "--database",
        url,
        f"--rate={load.rate}",
        f"--seconds={load.seconds}",
    ]
    for lines in kinds:
        with Beside(stack.servers()) as beside:
            subprocess.run(child_command(cost), input="".join(lines).encode(), check=True)
        print(
            f"  with those before that are not counted, ms each: {beside.told(load.requests + load.warm_up.requests)}"
        )
    token = log_in(parley, person)
    for _, session_id in made:
        parley.ask("DELETE", f"/chat/sessions/{session_id}?permanent=true", token=token)


def _line(kind: str, *ids: UUID) -> str:
    return "\t".join([kind, *map(str, ids)]) + "\n"


def _with_files(stack: Stack, token: str, model_url: str) -> UUID:
    parley = stack.parley
    key_id = new_key(parley, token, model_url)
    session_id = parley.ask("POST", "/chat/sessions", {}, token)["id"]
    for number in range(_FILES):
        text = f"File {number}. " + "What is written here was said before. " * (_FILE_BYTES // 38)
        file_id = parley.upload(f"file-{number}.txt", text.encode(), token)
        question = {
            "content": "What does it say?",
            "key_id": key_id,
            "model": "tokens-1",
            "attachments": [file_id],
        }
        parley.ask("POST", f"/chat/sessions/{session_id}/messages", question, token)
    return UUID(session_id)
