"""Notes."""

from itertools import zip_longest
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from chassis.errors import AppError, Kind
from gateway.clients import Services
from gateway.identity.authentication import NotesReader, NotesWriter, check_scope
from gateway.problems import document
from gateway.routes.api import refuses
from gateway.routes.api import router as api_router
from gateway.routes.idempotency import IdempotencyKeyOf
from gateway.routes.preconditions import KnownAs, VersionsOf, tag_of
from gateway.schemas.base import Page
from gateway.schemas.notes import (
    KeptNote,
    ListedNote,
    NewNote,
    Note,
    NoteChange,
    NoteListQuery,
    precondition,
)
from gateway.streams.taken import take_message
from parley.notes.v1 import notes_pb2 as pb

router = api_router("Notes", "/notes")

_TAGGED: dict[str, Any] = {"headers": {"ETag": {"$ref": "#/components/headers/ETag"}}}
_KNOWN: dict[str, Any] = {"description": "It is one that is known already.", **_TAGGED}


@router.post(
    "",
    status_code=201,
    responses={201: _TAGGED},
    openapi_extra=refuses("MESSAGE_NOT_FOUND", "MESSAGE_NOT_FINISHED", "MESSAGE_EMPTY"),
)
async def create_note(
    body: KeptNote,
    caller: NotesWriter,
    services: Services,
    key: IdempotencyKeyOf,
    response: Response,
) -> Note:
    """Keep a note.

    By `message_id` it is one of a message, which says what that says at this moment. A repeated request finds it
    whatever has become of the message.
    """
    notes = services.notes
    request = body.creation()
    if body.message_id is not None:
        check_scope(caller, "chat:read")
        try:
            request.taken.CopyFrom(await take_message(services, caller, body.message_id))
        except AppError as refused:
            if key is None or refused.kind is Kind.UNAVAILABLE:
                raise
            return _shown(await _made_before(services, caller, request, key, refused), response)
    created = await notes.tell(notes.stub.CreateNote, request, caller, idempotency_key=key)
    return _shown(created.note, response)


@router.get("")
async def list_notes(
    query: Annotated[NoteListQuery, Query()], caller: NotesReader, services: Services
) -> Page[ListedNote]:
    """List one's notes, or search them, the most recently changed first."""
    notes = services.notes
    response = await notes.ask(
        notes.stub.ListNotes,
        pb.ListNotesRequest(
            limit=query.limit,
            cursor=query.cursor,
            count=query.count,
            q=query.q,
            tag=query.tag,
            pinned=query.pinned,
        ),
        caller,
    )
    return Page[ListedNote](
        items=[
            ListedNote.found(note, match)
            for note, match in zip_longest(response.items, response.matches)
        ],
        next_cursor=response.next_cursor or None,
        total=response.total if response.HasField("total") else None,
    )


@router.get("/{note_id}", response_model=Note, responses={200: _TAGGED, 304: _KNOWN})
async def get_note(
    note_id: str, caller: NotesReader, services: Services, known_as: KnownAs, response: Response
) -> Any:
    """Show a note."""
    notes = services.notes
    found = await notes.ask(notes.stub.GetNote, pb.GetNoteRequest(id=note_id), caller)
    if (tag := known_as(found.note.version)) is not None:
        return Response(status_code=304, headers={"etag": tag})
    return _shown(found.note, response)


@router.put("/{note_id}", response_model=Note, responses={200: _TAGGED})
async def replace_note(
    note_id: str,
    body: NewNote,
    caller: NotesWriter,
    services: Services,
    versions: VersionsOf,
    response: Response,
) -> Any:
    """Replace a note.

    What is absent is empty then. Without `If-Match` the last one to write wins.
    """
    return await _update(services, caller, body.replacement(note_id, versions), response)


@router.patch("/{note_id}", response_model=Note, responses={200: _TAGGED})
async def update_note(
    note_id: str,
    body: NoteChange,
    caller: NotesWriter,
    services: Services,
    versions: VersionsOf,
    response: Response,
) -> Any:
    """Change a note.

    What is given is changed, all of it or nothing. Null takes away what may be absent. Without
    `If-Match` the last one to write a field wins it.
    """
    return await _update(services, caller, body.change(note_id, versions), response)


@router.delete("/{note_id}", status_code=204, response_model=None)
async def delete_note(
    note_id: str, caller: NotesWriter, services: Services, versions: VersionsOf
) -> Response | None:
    """Delete a note for good."""
    notes = services.notes
    request = pb.DeleteNoteRequest(id=note_id, precondition=precondition(versions))
    answer = await notes.tell(notes.stub.DeleteNote, request, caller)
    return _refusal(answer.note) if answer.HasField("note") else None


async def _made_before(
    services: Services,
    caller: NotesWriter,
    request: pb.CreateNoteRequest,
    key: str,
    refused: AppError,
) -> pb.Note:
    """The note that this request made before; without one, why there is nothing to make it of."""
    notes = services.notes
    try:
        made = await notes.tell(notes.stub.CreateNote, request, caller, idempotency_key=key)
    except AppError as error:
        if error.reason == "MESSAGE_NOT_FOUND":
            raise refused from None
        raise
    finally:
        # Raised, it holds this frame; a frame that holds it as well is left to the garbage collector.
        del refused
    return made.note


async def _update(
    services: Services, caller: NotesWriter, request: pb.UpdateNoteRequest, response: Response
) -> Note | Response:
    notes = services.notes
    answer = await notes.tell(notes.stub.UpdateNote, request, caller)
    if answer.precondition_failed:
        return _refusal(answer.note)
    return _shown(answer.note, response)


def _shown(note: pb.Note, response: Response) -> Note:
    response.headers["etag"] = tag_of(note.version)
    return Note.of(note)


def _refusal(current: pb.Note) -> Response:
    return document(
        412,
        "PRECONDITION_FAILED",
        "It has been changed meanwhile: `current` is what it is now.",
        headers={"etag": tag_of(current.version)},
        more={"current": Note.of(current).model_dump(mode="json")},
    )
