"""Notes."""

from typing import Annotated

from fastapi import Query

from gateway.clients import Services
from gateway.identity.authentication import NotesReader, NotesWriter
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.schemas.base import ListQuery, Page
from gateway.schemas.notes import NewNote, Note
from parley.notes.v1 import notes_pb2 as pb

router = api_router("Notes", "/notes")


@router.post("", status_code=201)
async def create_note(
    body: NewNote, caller: NotesWriter, services: Services, key: IdempotencyKeyOf
) -> Note:
    """Keep a note."""
    notes = services.notes
    response = await notes.tell(
        notes.stub.CreateNote,
        pb.CreateNoteRequest(title=body.title, content=body.content),
        caller,
        idempotency_key=key,
    )
    return Note.of(response.note)


@router.get("")
async def list_notes(
    query: Annotated[ListQuery, Query()], caller: NotesReader, services: Services
) -> Page[Note]:
    """List one's notes, the most recently changed first."""
    notes = services.notes
    response = await notes.ask(
        notes.stub.ListNotes,
        pb.ListNotesRequest(limit=query.limit, cursor=query.cursor, count=query.count),
        caller,
    )
    return Page[Note](
        items=[Note.of(note) for note in response.items],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/{note_id}")
async def get_note(note_id: str, caller: NotesReader, services: Services) -> Note:
    """Show a note."""
    notes = services.notes
    response = await notes.ask(notes.stub.GetNote, pb.GetNoteRequest(id=note_id), caller)
    return Note.of(response.note)


@router.delete("/{note_id}", status_code=204)
async def delete_note(note_id: str, caller: NotesWriter, services: Services) -> None:
    """Delete a note for good."""
    notes = services.notes
    await notes.tell(notes.stub.DeleteNote, pb.DeleteNoteRequest(id=note_id), caller)
