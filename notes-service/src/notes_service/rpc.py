"""The notes service on the wire: decode, call the use case, encode. Errors fly through."""

from chassis.db.transactions import OpenTransaction
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import allow
from notes_service.mapping import (
    asked_for,
    decode_imported,
    decode_note,
    encode_imported,
    encode_note,
    from_create,
    from_import,
    from_precondition,
    from_update,
    imported_to_proto,
    note_to_proto,
    owner_of,
)
from notes_service.usecases import notes
from notes_service.usecases.import_notes import import_notes
from notes_service.usecases.lists import WantedNotes, list_notes
from parley.notes.v1 import notes_pb2, notes_pb2_grpc
from servicekit.search_messages import match_to_proto

POLICY = {
    "parley.notes.v1.NotesService": {
        "CreateNote": allow("gateway"),
        "GetNote": allow("gateway"),
        # They come behind the conversations of an export, which may outlive the token it was begun with.
        "ListNotes": allow("gateway", outlived=True),
        "UpdateNote": allow("gateway"),
        "DeleteNote": allow("gateway"),
        # What is imported in the background no token speaks for. It adds, and shows nothing.
        "ImportNotes": allow("chat-service", open=True),
    }
}


class NotesServicer(notes_pb2_grpc.NotesServiceServicer):
    """parley.notes.v1.NotesService."""

    def __init__(self, open_transaction: OpenTransaction) -> None:
        self._open_transaction = open_transaction

    async def CreateNote(
        self, request: notes_pb2.CreateNoteRequest, context: object
    ) -> notes_pb2.CreateNoteResponse:
        repetition = once(asked_for(request), encode_note, decode_note)
        if request.message_id and not request.HasField("taken"):
            note = await notes.find_made(self._open_transaction, current_caller(), repetition)
        else:
            note = await notes.create_note(
                self._open_transaction, current_caller(), from_create(request), once=repetition
            )
        return notes_pb2.CreateNoteResponse(note=note_to_proto(note))

    async def GetNote(
        self, request: notes_pb2.GetNoteRequest, context: object
    ) -> notes_pb2.GetNoteResponse:
        note = await notes.get_note(self._open_transaction, current_caller(), request.id)
        return notes_pb2.GetNoteResponse(note=note_to_proto(note))

    async def ListNotes(
        self, request: notes_pb2.ListNotesRequest, context: object
    ) -> notes_pb2.ListNotesResponse:
        page = await list_notes(
            self._open_transaction,
            current_caller(),
            WantedNotes(
                q=request.q,
                tag=request.tag,
                pinned=request.pinned if request.HasField("pinned") else None,
            ),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return notes_pb2.ListNotesResponse(
            items=[
                note_to_proto(found.note, with_content=not request.without_content)
                for found in page.items
            ],
            next_cursor=page.next_cursor,
            total=page.total,
            matches=[match_to_proto(found.match) for found in page.items if found.match],
        )

    async def UpdateNote(
        self, request: notes_pb2.UpdateNoteRequest, context: object
    ) -> notes_pb2.UpdateNoteResponse:
        present = await notes.update_note(
            self._open_transaction,
            current_caller(),
            request.id,
            from_update(request),
            versions=from_precondition(request),
        )
        return notes_pb2.UpdateNoteResponse(
            note=note_to_proto(present.note), precondition_failed=not present.is_done
        )

    async def DeleteNote(
        self, request: notes_pb2.DeleteNoteRequest, context: object
    ) -> notes_pb2.DeleteNoteResponse:
        left = await notes.delete_note(
            self._open_transaction,
            current_caller(),
            request.id,
            versions=from_precondition(request),
        )
        return notes_pb2.DeleteNoteResponse(note=None if left is None else note_to_proto(left))

    async def ImportNotes(
        self, request: notes_pb2.ImportNotesRequest, context: object
    ) -> notes_pb2.ImportNotesResponse:
        imported = await import_notes(
            self._open_transaction,
            owner_of(request),
            from_import(request),
            once=once(request, encode_imported, decode_imported),
        )
        return imported_to_proto(imported)
