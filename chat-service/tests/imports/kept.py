"""Where tests of imported files keep them, and zips as an export with files makes them."""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.caller import Caller
from chat_service.files.decoding.decode import Decoding
from chat_service.files.domain.terms import Folder, Terms
from chat_service.files.storage.in_force import StoragePlaces
from chat_service.files.uploading import Uploads
from chat_service.files.usecases.read import ReadFiles
from chat_service.imports.domain.job import Report
from chat_service.imports.importing import Importing
from chat_service.imports.usecases.jobs import ImportJobs

from . import samples
from .jobs import reader_of, row_of, upload_to

# Fixtures of conftest.py; a test module cannot import their classes by name.
Chat = Any

A, B, C = (f"01940000-0000-7000-8000-00000000000{letter}" for letter in "abc")
TEXT, OTHER = b"What was attached.\n", b"Another text.\n"


@dataclass
class Kept:
    """Where files are kept, and who takes them."""

    chat: Chat
    content: Terms

    def __post_init__(self) -> None:
        self.storage = StoragePlaces(self)
        self.uploads = Uploads(self.chat.open_transaction, self, self.storage, Decoding())
        self.read = ReadFiles(self.chat.open_transaction, self, self.storage)

    def reader(self, replica: str = "replica-1", take_file: Any = None) -> Importing:
        return reader_of(self.chat, replica, take_file=take_file or self.uploads.take)

    async def take(self, caller: Caller, file: bytes) -> Report:
        made = await upload_to(self.chat, caller, file)
        await self.reader().read_all()
        row = await row_of(self.chat, made.id)
        assert (row.state, row.reason) == ("completed", None)
        return await self.report(caller, made.id)

    async def report(self, caller: Caller, import_id: UUID) -> Report:
        jobs = ImportJobs(self.chat.open_transaction, lambda: None, self.chat.audit)
        report: Report = (await jobs.find(caller, import_id)).report
        return report

    async def attached(self, caller: Caller) -> list[tuple[str, bytes | None]]:
        """What is attached to each question, in order: its name, and what is in it if it is there."""
        async with self.chat.worker.transaction() as connection:
            rows = await connection.execute(
                text(
                    "SELECT message_files.name, files.id FROM message_files"
                    " JOIN messages ON messages.id = message_id"
                    " LEFT JOIN files ON files.id = file_id AND files.state = 'ready'"
                    " WHERE message_files.user_id = :user_id"
                    " ORDER BY messages.created_at, messages.order, position"
                ),
                {"user_id": caller.user_id},
            )
            found = rows.all()
        told: list[tuple[str, bytes | None]] = []
        for name, file_id in found:
            content = None
            if file_id is not None:
                file = await self.read.find(caller, file_id)
                content = b"".join([piece async for piece in self.read.content(file)])
            told.append((name, content))
        return told

    async def files(self) -> int:
        async with self.chat.worker.transaction() as connection:
            return int(await connection.scalar(text("SELECT count(*) FROM files")) or 0)

    def on_disk(self) -> list[Path]:
        assert isinstance(self.content.place, Folder)
        return [path for path in self.content.place.path.rglob("*") if path.is_file()]


def document(*keys: str, conversation: str = "ours") -> dict[str, Any]:
    """A conversation with a question for each file."""
    ours: Any = samples.PARLEY
    (whole,) = ours["conversations"]
    messages = [
        {
            **whole["messages"][0],
            "order": number,
            "parent": number - 1 or None,
            "attachments": [{"id": key, "name": f"{key[-1]}.txt", "kind": "text", "size": 5}],
        }
        for number, key in enumerate(keys, 1)
    ]
    one = {**whole, "id": conversation, "messages": messages}
    return {**ours, "conversations": [one], "end": None}


def zipped(told: Any, *files: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("parley-2026-11-27.json", json.dumps(told))
        for name, content in files:
            archive.writestr(f"files/{name}", content)
        archive.writestr("files.json", json.dumps({"files": len(files), "lost": []}))
    return made.getvalue()
