"""What files are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from chassis.health import Check
from chat_service.files.attached import AttachedFiles
from chat_service.files.decoding.decode import Decoding
from chat_service.files.domain.errors import FilesNotOffered
from chat_service.files.erasure import DeleteFiles as EraseFiles
from chat_service.files.operators.terms import FileTerms
from chat_service.files.picture_room import PictureRoom
from chat_service.files.rpc import POLICY, FileServicer
from chat_service.files.storage.in_force import StoragePlaces
from chat_service.files.sweep import FileSweep
from chat_service.files.uploading import Uploads
from chat_service.files.usecases.delete import DeleteFiles
from chat_service.files.usecases.read import ReadFiles
from chat_service.served import Served, Subject
from chat_service.shared import Shared
from parley.chat.v1 import files_pb2_grpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Files(Subject):
    """What other subjects read, store and erase of files."""

    read: ReadFiles
    uploads: Uploads
    #: Reads what is attached for a prompt of a user's.
    attached: Callable[[UUID], AttachedFiles]
    erase: EraseFiles
    #: Where bytes wait on the disk of this machine; None: no files are kept here.
    spool: Callable[[], Path | None]


def build_files(
    shared: Shared, operators: Path | None, folder: Path | None, *, picture_bytes: int
) -> Files:
    """`operators`: the file with the operator's terms; `folder`: where bytes are kept unless it says where;
    `picture_bytes`: as many of pictures are on their way to models at once.

    Raises BadFile.
    """
    terms = FileTerms(operators, folder)
    storage = StoragePlaces(terms)
    uploads = Uploads(shared.open_transaction, terms, storage, Decoding())
    room = PictureRoom(picture_bytes)
    read = ReadFiles(shared.open_transaction, terms, storage)
    deletes = DeleteFiles(shared.open_transaction, storage)
    servicer = FileServicer(uploads, read, deletes, shared.in_force)
    return Files(
        served=[Served(servicer, files_pb2_grpc.add_FileServiceServicer_to_server, POLICY)],
        read=read,
        uploads=uploads,
        attached=lambda user_id: AttachedFiles(storage, user_id, room),
        erase=EraseFiles(storage),
        spool=lambda: _spool_of(storage),
        components=[terms, uploads, FileSweep(shared.worker, storage)],
        checks=[] if operators is None else [Check("files-file", terms.probe)],
    )


def _spool_of(storage: StoragePlaces) -> Path | None:
    try:
        return storage().spool
    except FilesNotOffered:
        return None
