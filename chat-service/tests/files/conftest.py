"""Files of one user over the use cases, and a service that keeps them in a folder of the test's own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.ids import new_id
from chat_service.files.domain.file import File
from chat_service.files.domain.kinds import Kind
from chat_service.files.domain.terms import Bucket, Folder, Terms
from chat_service.files.storage.bucket import BucketStorage
from chat_service.files.storage.folder import FolderStorage
from chat_service.files.storage.in_force import StoragePlaces
from chat_service.files.sweep import FileSweep
from chat_service.files.uploading import _HOLD_SECONDS, Uploads
from chat_service.files.usecases.delete import DeleteFiles
from chat_service.files.usecases.ports import Inspected, Storage
from chat_service.files.usecases.read import ReadFiles
from chat_service.settings import Settings

from .gate import pieces_of
from .seaweed import BUCKET, KEY_ID, SeaweedFS

# `Chat` of the conftest.py above, which this one has no name for.
Chat = Any


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    server = SeaweedFS(tmp_path_factory.mktemp("seaweed"))
    server.start()
    yield server
    # In good order it takes its time, and nothing of it is needed any more.
    server.kill()


@pytest.fixture
def bucket(seaweed: SeaweedFS, tmp_path: Path) -> Bucket:
    """A part of the bucket that is this test's own."""
    return Bucket(
        name=BUCKET,
        spool=tmp_path / "spool",
        endpoint=seaweed.url,
        prefix=f"test-{new_id().hex}",
        access_key_id=KEY_ID,
        secret_access_key=seaweed.secret,
    )


@pytest.fixture(params=["a folder", "a bucket"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """Each test of it runs on both, a bucket being one of a server that others wrote."""
    if request.param == "a folder":
        return FolderStorage(tmp_path / "files")
    return BucketStorage(request.getfixturevalue("bucket"))


@dataclass
class InForce:
    """What the operator says at this moment."""

    content: Terms


async def as_it_came(path: Path, _kind: Kind) -> Inspected:
    """Nothing is to be known of it but its kind."""
    return Inspected(path)


@dataclass
class FilesOf:
    """Everything of files over one database and one folder, at one replica."""

    chat: Chat
    folder: Path
    terms: InForce
    inspect: Any = as_it_came
    hold_seconds: float = _HOLD_SECONDS
    in_bucket: Callable[[Bucket], Storage] = BucketStorage
    uploads: Uploads = field(init=False)

    def __post_init__(self) -> None:
        self.storage = StoragePlaces(self.terms, in_bucket=self.in_bucket)
        self.uploads = Uploads(
            *(self.chat.open_transaction, self.terms, self.storage, self._inspect),
            hold_seconds=self.hold_seconds,
        )
        self.read = ReadFiles(self.chat.open_transaction, self.terms, self.storage)
        self.deletes = DeleteFiles(self.chat.open_transaction, self.storage)
        self.sweep = FileSweep(self.chat.worker, self.storage)

    async def _inspect(self, path: Path, kind: Any) -> Any:
        return await self.inspect(path, kind)

    def change(self, **terms: Any) -> None:
        self.terms.content = replace(self.terms.content, **terms)

    async def upload(
        self,
        caller: Caller,
        *pieces: bytes,
        name: str = "a.txt",
        at_most: int | None = None,
        once: Any = lambda _: None,
    ) -> File:
        content = pieces_of(*(pieces or (b"hello",)))
        return await self.uploads.take(caller, name, at_most, content, once)

    async def content(self, file: File, *part: int) -> bytes:
        return b"".join([piece async for piece in self.read.content(file, *part)])

    def stored(self) -> list[str]:
        """What is on the disk, whole or not."""
        if not self.folder.exists():
            return []
        return sorted(
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()
        )

    async def rows(self) -> list[tuple[UUID, str]]:
        async with self.chat.worker.transaction() as connection:
            found = await connection.execute(text("SELECT id, state FROM files ORDER BY id"))
            return [(row.id, row.state) for row in found]

    async def age(self, hours: float = 2) -> None:
        """Everything that is there becomes so much older."""
        async with self.chat.worker.transaction() as connection:
            await connection.execute(
                text(
                    "UPDATE files SET held_until = held_until - :by * interval '1 hour',"
                    " created_at = created_at - :by * interval '1 hour'"
                ),
                {"by": hours},
            )

    async def is_held(self) -> bool:
        """Whether the one file there is has somebody at it."""
        async with self.chat.worker.transaction() as connection:
            found = await connection.execute(text("SELECT held_until > now() FROM files"))
            return bool(found.scalar_one())

    async def attach(self, caller: Caller, file: File) -> UUID:
        """A message that the file is attached to."""
        session: Any = await self.chat.session(caller)
        run = await self.chat.turn(caller, session.id)
        async with self.chat.app.transaction(caller) as connection:
            await connection.execute(
                text("UPDATE files SET held_until = now() + interval '1 hour' WHERE id = :file"),
                {"file": file.id},
            )
            await connection.execute(
                text(
                    "INSERT INTO message_files (message_id, position, tenant_id, user_id, file_id,"
                    " name, kind, size) VALUES (:message, 0, :tenant, :user, :file, '', '', 0)"
                ),
                {
                    "message": run.question_id,
                    "tenant": caller.tenant_id,
                    "user": caller.user_id,
                    "file": file.id,
                },
            )
        session_id: UUID = session.id
        return session_id


@pytest.fixture
def files(chat: Chat, tmp_path: Path) -> FilesOf:
    folder = tmp_path / "files"
    return FilesOf(chat, folder, InForce(Terms(Folder(folder))))


@pytest.fixture
def elsewhere(files: FilesOf) -> FilesOf:
    """A second replica, over the same database and folder."""
    return FilesOf(files.chat, files.folder, files.terms)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"files_dir": tmp_path / "files"})
