"""One user's imports over the wire, and the database beneath them."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import OpenTransaction
from chassis.grpc.client import Channel
from chassis.testing import eventually
from parley.chat.v1 import chat_pb2
from parley.chat.v1 import imports_pb2 as pb
from parley.chat.v1 import imports_pb2_grpc as pb_grpc

# Fixtures of the conftest.py above; a test module cannot import their classes by name.
Client = Any

READING = (pb.IMPORT_STATE_UPLOADING, pb.IMPORT_STATE_WAITING, pb.IMPORT_STATE_READING)


class Imports:
    """What one user imports over the wire."""

    def __init__(self, channel: Channel, caller: Caller) -> None:
        self._channel = channel
        self._token = caller.token
        self._stub = channel.stub(pb_grpc.ImportServiceStub)

    async def upload(
        self,
        *pieces: bytes,
        name: str = "export.json",
        key: str | None = None,
        size: int | None = None,
    ) -> pb.Import:
        async def requests() -> AsyncGenerator[pb.UploadImportRequest, None]:
            yield pb.UploadImportRequest(head=pb.ImportHead(name=name))
            for piece in pieces:
                yield pb.UploadImportRequest(chunk=piece)
            told = sum(map(len, pieces)) if size is None else size
            if told >= 0:
                yield pb.UploadImportRequest(end=pb.ImportEnd(size=told))

        answer: pb.UploadImportResponse = await self._channel.send(
            self._stub.UploadImport, requests(), token=self._token, idempotency_key=key
        )
        return answer.job

    async def call(self, method: str, request: Any) -> Any:
        return await self._channel.unary(
            getattr(self._stub, method), request, timeout=30, token=self._token
        )

    async def get(self, import_id: str) -> pb.Import:
        answer: pb.GetImportResponse = await self.call(
            "GetImport", pb.GetImportRequest(id=import_id)
        )
        return answer.job

    async def ended(self, import_id: str) -> pb.Import:
        async def over() -> bool:
            return (await self.get(import_id)).state not in READING

        await eventually(over, timeout=60)
        return await self.get(import_id)

    async def take(self, told: Any, **more: Any) -> pb.Import:
        """Imports it, to the end."""
        file = told if isinstance(told, bytes) else json.dumps(told).encode()
        return await self.ended((await self.upload(file, **more)).id)

    async def list(self) -> list[pb.Import]:
        return list((await self.call("ListImports", pb.ListImportsRequest())).items)


@dataclass(frozen=True)
class Beneath:
    """The database of the service that is on the wire."""

    worker: Database
    open_transaction: OpenTransaction


async def count(chat: Any, table: str) -> int:
    async with chat.worker.transaction() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")))


async def no_pieces(chat: Any) -> None:
    """The sweep is woken at the end of an import, and is another job."""

    async def none() -> bool:
        return await count(chat, "import_pieces") == 0

    await eventually(none)


async def sessions_of(client: Client) -> dict[str, chat_pb2.Session]:
    found: dict[str, chat_pb2.Session] = {}
    for state in (chat_pb2.SESSION_STATE_ACTIVE, chat_pb2.SESSION_STATE_ARCHIVED):
        request = chat_pb2.ListSessionsRequest(limit=100, state=state)
        found |= {one.title: one for one in (await client.call("ListSessions", request)).items}
    return found


async def messages_of(client: Client, session_id: str) -> list[chat_pb2.Message]:
    request = chat_pb2.ListMessagesRequest(session_id=session_id, limit=100, all_paths=True)
    return list((await client.call("ListMessages", request)).items)
