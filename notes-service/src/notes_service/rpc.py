"""The notes service on the wire: decode, call the use case, encode. Errors fly through."""

from chassis.db.transactions import OpenTransaction
from chassis.grpc.caller import current_caller
from chassis.grpc.idempotency import once
from chassis.grpc.server import allow
from notes_service.mapping import decode_note, encode_note, note_to_proto
from notes_service.usecases import notes
from parley.notes.v1 import notes_pb2, notes_pb2_grpc

POLICY = {
    "parley.notes.v1.NotesService": {
        "CreateNote": allow("gateway"),
        "GetNote": allow("gateway"),
        "ListNotes": allow("gateway"),
        "DeleteNote": allow("gateway"),
    }
}


class NotesServicer(notes_pb2_grpc.NotesServiceServicer):
    """parley.notes.v1.NotesService."""

    def __init__(self, open_transaction: OpenTransaction) -> None:
        self._open_transaction = open_transaction

    async def CreateNote(
        self, request: notes_pb2.CreateNoteRequest, context: object
    ) -> notes_pb2.CreateNoteResponse:
        note = await notes.create_note(
            self._open_transaction,
            current_caller(),
            title=request.title,
            content=request.content,
            once=once(request, encode_note, decode_note),
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
        page = await notes.list_notes(
            self._open_transaction,
            current_caller(),
            limit=request.limit,
            cursor=request.cursor,
            count=request.count,
        )
        return notes_pb2.ListNotesResponse(
            items=[note_to_proto(note) for note in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
        )

    async def DeleteNote(
        self, request: notes_pb2.DeleteNoteRequest, context: object
    ) -> notes_pb2.DeleteNoteResponse:
        await notes.delete_note(self._open_transaction, current_caller(), request.id)
        return notes_pb2.DeleteNoteResponse()
