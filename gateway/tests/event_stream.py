"""Event streams as clients see them, and what chat-service refuses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import AppError, Kind
from parley.chat.v1 import chat_pb2

from .door import Door

ASK = "/api/v1/chat/sessions/01900000-0000-7000-8000-000000000002/messages"
EVENTS = {"accept": "text/event-stream"}
QUESTION = {"content": "How are you?"}


class RunNotFound(AppError):
    kind = Kind.NOT_FOUND
    reason = "RUN_NOT_FOUND"
    detail = "There is no such run."


def sse(frames: list[chat_pb2.Frame]) -> bytes:
    return b"".join(
        b"id: %d\nevent: %s\ndata: %s\n\n" % (frame.seq, frame.event.encode(), frame.data)
        for frame in frames
    )


@contextlib.asynccontextmanager
async def connection(
    door: Door, method: str, path: str, body: Any = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client whose reading, silence and end are in the test's own hands."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    content = b"" if body is None else orjson.dumps(body)
    writer.write(
        f"{method} {path} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n"
        f"authorization: {door.bearer['authorization']}\r\n\r\n".encode()
        + content
    )
    try:
        yield reader, writer
    finally:
        writer.close()


def result(status: chat_pb2.RunStatus.ValueType) -> Any:
    when = Timestamp(seconds=1_700_000_000)
    question = chat_pb2.Message(
        id="q", role=chat_pb2.MESSAGE_ROLE_USER, content="How are you?", order=1, created_at=when
    )
    answer = chat_pb2.Message(
        id="a", role=chat_pb2.MESSAGE_ROLE_ASSISTANT, content="Well", order=2, created_at=when
    )
    run = chat_pb2.Run(
        id="r",
        session_id="01900000-0000-7000-8000-000000000002",
        status=status,
        last_seq=4,
        created_at=when,
    )
    return chat_pb2.GetRunResponse(run=run, question=question, answer=answer)
