"""A conversation as files have it, and as it is when such a file was read by somebody else."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from chassis.caller import Caller
from chassis.db.transactions import OpenTransaction
from chassis.ids import new_id
from chat_service.audit import Audit
from chat_service.exports.domain.wanted import End, Format, Wanted
from chat_service.exports.usecases.export import Exporting
from chat_service.imports.reading.frames import Kind, batches, say
from chat_service.imports.reading.made import Made
from chat_service.imports.reading.recognise import conversations_of
from chat_service.imports.reading.source import documents_of
from chat_service.imports.store.leases import Taken
from chat_service.imports.storing import Storing
from chat_service.personas.operators.personas import PersonasInForce
from chat_service.personas.usecases.write import WritePersonas


async def exported(
    open_transaction: OpenTransaction, caller: Caller, session_id: UUID | None = None
) -> bytes:
    """One conversation of a user's, or all of them, as a whole file in JSON."""
    exporting = Exporting(open_transaction, Audit("test"))
    file = b""
    async with aclosing(
        exporting.export(caller, Wanted(Format.JSON, session_id=session_id))
    ) as pieces:
        async for piece in pieces:
            if isinstance(piece, bytes):
                file += piece
            elif isinstance(piece, End):
                file += b'"end":{}}'
    return file


async def imported(open_transaction: OpenTransaction, caller: Caller, file: bytes) -> None:
    """The conversations of a file of ours, stored as an import does, without a process that reads it."""
    out = io.BytesIO()
    for document, _ in documents_of(io.BytesIO(file), len(file)):
        for found in conversations_of(document):
            assert isinstance(found, Made)
            say(out, Kind.CONVERSATION, {"source": found.source, "key": found.key, **found.head})
            out.writelines(batches(found.messages))
            say(out, Kind.END, {"left_out": dict(found.left_out)})
    say(out, Kind.DONE, {"reason": None})

    async def lines() -> AsyncIterator[bytes]:
        for line in out.getvalue().splitlines():
            yield line

    whose = Taken(new_id(), caller.tenant_id, caller.user_id, len(file), 1, with_notes=False)
    write = WritePersonas(open_transaction, PersonasInForce(None), most=0)
    storing = Storing(open_transaction, whose, write)
    await storing.store(lines())
    assert (storing.reason, storing.report.problems) == (None, ())


def without_ids(file: bytes) -> Any:
    """What the file says of its conversations, ids aside."""
    conversations = json.loads(file)["conversations"]
    for conversation in conversations:
        for one in (conversation, *conversation["messages"]):
            one["id"] = None
    return conversations
