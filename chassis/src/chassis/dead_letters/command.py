"""``python -m <service> dead-letters …``: what a person does with what was set aside.

A replay is asked for here and done by the running service, with the handler and all it stands
on; the command waits for the outcome.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from chassis.errors import AppError
from chassis.ids import parse_id

# The database is costly to import, and most command lines are about something else.
if TYPE_CHECKING:
    from chassis.db.engine import Database

_WAIT_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.2

DONE: Final = 0
FAILED: Final = 1


# What argparse's add_subparsers() returns; its class has no public name.
def add_command(commands: Any) -> None:
    """Add ``dead-letters list|show ID|replay ID|drop ID`` to a service's commands."""
    command: argparse.ArgumentParser = commands.add_parser(
        "dead-letters", help="events that could not be handled"
    )
    actions = command.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="one line of JSON for each")
    for action, told in (
        ("show", "all of one, its payload in hexadecimal digits"),
        ("replay", "hand it to the running service once more; it goes if that succeeds"),
        ("drop", "throw it away"),
    ):
        actions.add_parser(action, help=told).add_argument("id", metavar="ID")


def run_command(worker_url: str, arguments: argparse.Namespace) -> int:
    """Do what ``arguments`` ask; the process's exit status, 0 when it was done."""
    letter_id = parse_id(getattr(arguments, "id", ""))
    if arguments.action != "list" and letter_id is None:
        return _complain("there is no such dead letter")
    return asyncio.run(_run(worker_url, arguments.action, letter_id))


async def _run(worker_url: str, action: str, letter_id: UUID | None) -> int:
    from chassis.db.engine import Database
    from chassis.dead_letters import table

    db = Database(worker_url, pool_size=1, application_name="dead-letters")
    try:
        if letter_id is None:
            for row in await db.all(None, table.LIST):
                _show(row._asdict())
            return DONE
        return await {"show": _show_one, "replay": _replay, "drop": _drop}[action](db, letter_id)
    except AppError as error:
        return _complain(error.detail)
    finally:
        await db.stop()


async def _show_one(db: "Database", letter_id: UUID) -> int:
    from chassis.dead_letters import table

    row = await db.first(None, table.SHOW, id=letter_id)
    if row is None:
        return _complain("there is no such dead letter")
    _show({**row._asdict(), "payload": row.payload.hex()})
    return DONE


async def _drop(db: "Database", letter_id: UUID) -> int:
    from chassis.dead_letters import table

    if not await db.run(None, table.DROP, id=letter_id):
        return _complain("there is no such dead letter")
    return DONE


async def _replay(db: "Database", letter_id: UUID, *, wait_seconds: float = _WAIT_SECONDS) -> int:
    from chassis.dead_letters import table

    if not await db.run(None, table.ASK, id=letter_id):
        return _complain("there is no such dead letter")
    deadline = time.monotonic() + wait_seconds
    row = None
    while time.monotonic() < deadline:
        row = await db.first(None, table.SHOW, id=letter_id)
        if row is None:
            return DONE
        if row.replay == "failed":
            return _complain(f"it failed again: {row.error}")
        await asyncio.sleep(_LOOK_SECONDS)
    if row is not None and row.replay == "running":
        return _complain("it is being handled; should the process that does so end, ask again")
    return _complain("it was asked for, and is done once the service runs")


def _show(fields: Mapping[str, object]) -> None:
    print(orjson.dumps(fields).decode())


def _complain(sentence: str) -> int:
    print(f"dead-letters: {sentence}", file=sys.stderr)
    return FAILED
