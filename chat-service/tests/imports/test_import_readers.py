"""What becomes of an import whose reader fails, or falls silent."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from chassis.caller import Caller
from chassis.testing import eventually
from chat_service.imports.domain.notes import NotesTaken
from chat_service.imports.importing import Importing

from . import samples
from .jobs import reader_of, row_of, upload_to
from .over_the_wire import count

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Chat = Any


async def test_a_reader_that_fails_ends_its_import_and_no_other(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    await reader_of(chat, "replica-1", lambda size: ["/bin/false"]).read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.reason) == ("failed", "READER_FAILED")
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    await importing.read_all()
    assert (await row_of(chat, made.id)).state == "completed"


async def test_a_reader_that_says_nothing_holds_up_nobody(chat: Chat, caller: Caller) -> None:
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    reader = reader_of(chat, "replica-1", lambda size: ["/bin/sleep", "600"], silent_seconds=0.05)
    await reader.read_all()
    row = await row_of(chat, made.id)
    assert (row.state, row.reason) == ("failed", "TOOK_TOO_LONG")


#: A conversation is begun, and never told to its end.
STALLS = """
import sys, time
print('C{"source": "chatgpt", "key": "c", "title": "t", "created_at": "2024-01-01T00:00:00+00:00"}', flush=True)
time.sleep(600)
"""


async def test_a_reader_that_falls_silent_in_a_conversation_is_begun_again_a_few_times(
    chat: Chat, caller: Caller
) -> None:
    made = await upload_to(chat, caller, samples.LIBRECHAT)
    command = [sys.executable, "-c", STALLS]
    reader = reader_of(chat, "replica-1", lambda size: command, stalled_seconds=0.05)
    await reader.read_all()
    row = await row_of(chat, made.id)
    # Five times, and then no more: others wait for their turn.
    assert (row.state, row.reason, row.attempts) == ("failed", "GIVEN_UP", 6)
    assert await count(chat, "sessions") == 0


#: Tells notes as fast as they are taken; once it could tell no more for a while, how many bytes it has told.
HURRIES = """
import os, sys, time
os.set_blocking(1, False)
line = b'N{"key": "k", "content": "' + b"x" * 4000 + b'"}\\n'
told, since = 0, time.monotonic()
while time.monotonic() < since + 0.5:
    try:
        told += os.write(1, line[told % len(line):])
        since = time.monotonic()
    except BlockingIOError:
        time.sleep(0.01)
open(sys.argv[1], "w").write(str(told))
"""


async def test_a_reader_is_not_heard_further_ahead_than_it_is_stored(
    chat: Chat, caller: Caller, tmp_path: Path
) -> None:
    found, go_on = tmp_path / "told", asyncio.Event()

    async def take_notes(whose: object, key: object, notes: object) -> NotesTaken:
        await go_on.wait()
        return NotesTaken(0, 0, {})

    await upload_to(chat, caller, samples.LIBRECHAT, with_notes=True)
    command = [sys.executable, "-c", HURRIES, str(found)]
    reader = reader_of(chat, "replica-1", lambda size: command, take_notes=take_notes)
    reading = asyncio.create_task(reader.read_all())
    await eventually(lambda: found.exists() and found.read_text(), timeout=30)
    go_on.set()
    await reading
    # A batch of notes, what waits in this process, and what the pipe has: 2.2 MB were seen, where the
    # machine had much else to do. Not held back it would tell on and on.
    assert int(found.read_text()) < 3 * 1024 * 1024


async def test_a_conversation_ends_as_soon_as_it_is_read_whatever_comes_behind_it(
    chat: Chat, caller: Caller, importing: Importing
) -> None:
    """Whoever stores it holds a transaction open until then."""
    reader = await asyncio.create_subprocess_exec(
        *importing._command(2**30),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**25,
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    try:
        # What follows does not come as long as the reader waits for it.
        told = [{**samples.CHATGPT[0], "id": str(n), "conversation_id": str(n)} for n in range(3)]
        reader.stdin.write(json.dumps(told).encode()[:-1] + b", [" + b"0, " * 200_000)
        await reader.stdin.drain()
        kinds: list[bytes] = []
        async with asyncio.timeout(60):
            while kinds.count(b"E") < len(told):
                kinds.append((await reader.stdout.readline())[:1])
        assert kinds[0] == b"C"
    finally:
        reader.kill()
        await reader.wait()
        reader.stdin.close()
