"""The port `TakeNotes` over gRPC."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from chassis.db.owners import OwnerErased
from chassis.db.transactions import Owned
from chassis.errors import AppError, Kind
from chassis.grpc.client import Channel
from chat_service.imports.domain.notes import NotesTaken
from chat_service.imports.domain.waiting import NotTakenNow
from chat_service.imports.noting import TakeNotes
from parley.notes.v1 import notes_pb2, notes_pb2_grpc
from servicekit.timestamps import timestamp_of

_DEADLINE_SECONDS: Final = 30.0
_AWAY: Final = frozenset({Kind.UNAVAILABLE, Kind.TIMEOUT, Kind.EXHAUSTED, Kind.CONFLICT})


def take_notes_over(channel: Channel) -> TakeNotes:
    """Returns the port: the user is named, and no token speaks for them."""

    async def take_notes(whose: Owned, key: str, notes: Sequence[Mapping[str, Any]]) -> NotesTaken:
        request = notes_pb2.ImportNotesRequest(
            tenant_id=str(whose.tenant_id),
            user_id=str(whose.user_id),
            notes=[_note_of(one) for one in notes],
        )
        try:
            answer = await channel.unary(
                channel.stub(notes_pb2_grpc.NotesServiceStub).ImportNotes,
                request,
                timeout=_DEADLINE_SECONDS,
                idempotent=True,
                idempotency_key=key,
            )
        except AppError as error:
            if error.reason == OwnerErased.reason:
                raise OwnerErased from None
            if error.kind is Kind.INVALID:
                # All of it: what is wrong with one note alone is told in an answer.
                return NotesTaken(refused={"INVALID": len(notes)})
            raise NotTakenNow("notes", is_away=error.kind in _AWAY) from error
        return NotesTaken(answer.added, answer.existing, Counter(answer.refused))

    return take_notes


def _note_of(told: Mapping[str, Any]) -> notes_pb2.ImportedNote:
    return notes_pb2.ImportedNote(
        key=told["key"],
        title=told["title"],
        content=told["content"],
        tags=told["tags"],
        pinned=told["pinned"],
        created_at=timestamp_of(datetime.fromisoformat(told["created_at"])),
        updated_at=timestamp_of(datetime.fromisoformat(told["updated_at"])),
    )
