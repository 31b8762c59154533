"""What files are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from chassis.component import Component
from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction
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
from chat_service.served import Served
from parley.chat.v1 import files_pb2_grpc


@dataclass(frozen=True, slots=True)
class FileParts:
    """The parts of files, wired to each other."""

    served: Served
    read: ReadFiles
    uploads: Uploads
    storage: StoragePlaces
    #: Reads what is attached for a prompt of a user's.
    attached: Callable[[UUID], AttachedFiles]
    erase: EraseFiles
    #: Where bytes wait on the disk of this machine; None: no files are kept here.
    spool: Callable[[], Path | None]
    components: Sequence[Component]
    checks: Sequence[Check]


def build_files(
    operators: Path | None,
    folder: Path | None,
    open_transaction: OpenTransaction,
    worker: Database,
    picture_bytes: int,
) -> FileParts:
    """`operators`: the file with the operator's terms; `folder`: where bytes are kept unless it says where;
    `picture_bytes`: as many of pictures are on their way to models at once.

    Raises BadFile.
    """
    terms = FileTerms(operators, folder)
    storage = StoragePlaces(terms)
    uploads = Uploads(open_transaction, terms, storage, Decoding())
    room = PictureRoom(picture_bytes)
    read = ReadFiles(open_transaction, terms, storage)
    return FileParts(
        served=Served(
            FileServicer(uploads, read, DeleteFiles(open_transaction, storage)),
            files_pb2_grpc.add_FileServiceServicer_to_server,
            POLICY,
        ),
        read=read,
        uploads=uploads,
        storage=storage,
        attached=lambda user_id: AttachedFiles(storage, user_id, room),
        erase=EraseFiles(storage),
        spool=lambda: _spool_of(storage),
        components=[terms, uploads, FileSweep(worker, storage)],
        checks=[] if operators is None else [Check("files-file", terms.probe)],
    )


def _spool_of(storage: StoragePlaces) -> Path | None:
    try:
        return storage().spool
    except FilesNotOffered:
        return None
