"""`… | .venv/bin/python chat-service/tests/context/cost.py --database URL`: what it takes to make what a model is given.

`URL` is of a database with conversations, in the app's role. Each line of the input is one of them: a kind, and the
ids of its tenant, its user and itself. At a steady rate, whoever is slow, what a model would be given for a question
behind one of them is read as for another answer, put together with what is attached, fitted into window and budget,
and accounted for; nothing is written. Prints for each kind p50 and p99 from when it was due, and the CPU of this process.
What files say is in hand here: what their storage takes is not in it.

`python -m bench.conversations context` makes such conversations, and calls this.
"""

# ruff: noqa: T201 - it is for who reads it on a terminal

import argparse
import asyncio
import gc
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction, transactions
from chat_service.conversations.domain.message import Role
from chat_service.files.domain.attachment import Attachment, GivenFile
from chat_service.prompt.attaching import Attaching
from chat_service.prompt.budget import SHIPPED
from chat_service.prompt.context import Context
from chat_service.prompt.domain import build_prompt
from chat_service.prompt.room import ContextWindow
from chat_service.providers.domain.prompt_message import Picture, PromptMessage
from chat_service.runs.store.runs import Runs

# As the settings are shipped.
_WINDOW: Final = ContextWindow(pairs=10, characters=200_000)
_QUESTION: Final = "And what follows from that? " * 8
_BEHIND_ALL: Final = 2**31 - 1
_WARM_SECONDS: Final = 3.0


class InHand:
    """Files that say the same as often as is asked for."""

    async def make_room(self, size: int) -> None: ...

    async def text(self, attachment: Attachment, characters: int) -> str | None:
        size = min(characters, attachment.text_size or attachment.size)
        return ("What is written here was said before. " * (size // 38 + 1))[:size]

    async def picture(self, attachment: Attachment) -> Picture | None:
        return None


async def build(open_transaction: OpenTransaction, caller: Caller, session_id: UUID) -> Context:
    """The account of what a model would be given."""
    async with open_transaction(caller) as transaction:
        earlier: Sequence[PromptMessage]
        earlier, attached = await Runs(transaction).read_window(session_id, _BEHIND_ALL, _WINDOW)
    files: tuple[GivenFile, ...] = ()
    if attached:
        attaching = Attaching(InHand(), _WINDOW, SHIPPED)
        asked = PromptMessage(Role.USER.value, _QUESTION, (_BEHIND_ALL,))
        *earlier, _ = await attaching.put_into([*earlier, asked], attached)
        files = tuple(attaching.given)
    return Context.of_prompt(build_prompt(earlier, _QUESTION, _WINDOW, _BEHIND_ALL), files=files)


async def measure(url: str, lines: Sequence[str], rate: float, seconds: float) -> None:
    chance = random.Random(1)
    kinds: dict[str, list[tuple[Caller, UUID]]] = defaultdict(list)
    for line in lines:
        kind, *ids = line.rstrip("\n").split("\t")
        tenant_id, user_id, session_id = map(UUID, ids)
        kinds[kind].append((Caller(user_id, tenant_id, "user", "cost", "", 0.0), session_id))
    database = Database(url, application_name="cost of a context", plan_once=True)
    open_transaction = transactions(database)
    gc.disable()
    for kind, ones in kinds.items():
        await _ask(
            open_transaction, [chance.choice(ones) for _ in range(int(rate * _WARM_SECONDS))], rate
        )
        cpu = time.process_time()
        asked = [chance.choice(ones) for _ in range(int(rate * seconds))]
        waited, parts = await _ask(open_transaction, asked, rate)
        cpu = (time.process_time() - cpu) * 1000 / len(waited)
        hundredths = statistics.quantiles(waited, n=100)
        print(
            f"{kind}: {len(waited)}, p50 {hundredths[49]:.1f} ms, p99 {hundredths[98]:.1f} ms, the slowest"
            f" {max(waited):.1f} ms; {cpu:.2f} ms of CPU each here; {statistics.mean(parts):.1f} messages given",
            flush=True,
        )
    await database.stop()


async def _ask(
    open_transaction: OpenTransaction, asked: Sequence[tuple[Caller, UUID]], rate: float
) -> tuple[list[float], list[int]]:
    """Milliseconds of each, and how many messages were given."""
    waited: list[float] = []
    parts: list[int] = []

    async def one(due: float, caller: Caller, session_id: UUID) -> None:
        context = await build(open_transaction, caller, session_id)
        waited.append((time.perf_counter() - due) * 1000)
        parts.append(len(context.parts))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, (caller, session_id) in enumerate(asked):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due, caller, session_id))
    return waited, parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each kind")
    arguments = parser.parse_args()
    lines = sys.stdin.readlines()
    asyncio.run(measure(arguments.database, lines, arguments.rate, arguments.seconds))


if __name__ == "__main__":
    main()
