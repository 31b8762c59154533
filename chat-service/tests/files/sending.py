"""Uploads that tests begin, and what they leave."""

import asyncio
from typing import Any

from chassis.caller import Caller
from chassis.idempotency import Once, RequestKey
from chassis.testing import eventually
from chat_service.files import mapping
from chat_service.files.domain.file import File

from .gate import Gate

# `FilesOf` of conftest.py, which a test module has no name for.
FilesOf = Any


def once_of(key: str, caller: Caller) -> Any:
    return lambda came: Once(
        RequestKey(key, came),
        mapping.encode_file,
        lambda kept: mapping.decode_file(kept, caller.user_id),
    )


def beginning(files: FilesOf, caller: Caller, gate: Gate) -> "asyncio.Task[File]":
    return asyncio.create_task(
        files.uploads.take(caller, "a.txt", None, aiter(gate), lambda _: None)
    )


async def nothing_is_left(files: FilesOf) -> None:
    async def nothing() -> bool:
        return (files.stored(), await files.rows()) == ([], [])

    await eventually(nothing)
