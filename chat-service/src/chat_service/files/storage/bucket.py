"""Bytes in a bucket that speaks S3, by obstore."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from chassis.telemetry.logging import get_logger
from chat_service.files.domain.errors import FileNotFound, StorageUnavailable
from chat_service.files.domain.stored import Stored
from chat_service.files.domain.terms import Bucket
from chat_service.files.storage.threads import on_disk, to_its_end

_log = get_logger(__name__)

_PIECE: Final = 256 * 1024
_LISTED: Final = 500
# A larger one is sent in parts, one at a time: S3 takes none that is smaller, and no more than so many of a file.
_PART: Final = 5 * 1024 * 1024
_MOST_PARTS: Final = 10_000
# So much is asked for at once: a request takes as long as its reader does.
_READ_AT_ONCE: Final = 4 * 1024 * 1024
_SILENCE: Final = timedelta(seconds=30)
# Of a request as a whole: one that never falls silent, and gives a byte a second, ends as well.
_LONGEST: Final = timedelta(minutes=10)


class BucketStorage:
    """See Storage. What the process's environment says of AWS fills in what `bucket` does not say.

    `silence`: after which a request is given up; `longest`: how long one may take in all.
    """

    def __init__(
        self, bucket: Bucket, *, silence: timedelta = _SILENCE, longest: timedelta = _LONGEST
    ) -> None:
        # Fifteen megabytes that who keeps files in a folder has no use for.
        from obstore.store import S3Store

        self._spool = bucket.spool
        told: dict[str, Any] = {"region": bucket.region}
        if bucket.endpoint is not None:
            told["endpoint"] = bucket.endpoint
        if bucket.access_key_id is not None:
            told["access_key_id"] = bucket.access_key_id
            told["secret_access_key"] = bucket.secret_access_key
        plain = bucket.endpoint is not None and bucket.endpoint.startswith("http://")
        self._store: S3Store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            client_options={
                "allow_http": plain,
                "connect_timeout": timedelta(seconds=5),
                "read_timeout": silence,
                "timeout": longest,
            },
            retry_config={
                "max_retries": 3,
                "retry_timeout": timedelta(seconds=20),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
            **told,
        )

    @property
    def spool(self) -> Path:
        return self._spool

    async def put(self, key: str, path: Path) -> None:
        size = await on_disk(os.path.getsize, path)
        part = max(_PART, -(-size // _MOST_PARTS))
        # By itself obstore reads a whole part at once, and has some of them in memory.
        content = path if size <= part else _pieces_of(path)
        with _told():
            # Who is cancelled waits for it: what a server has of it would be stored behind their back, and parts stay there.
            putting = self._store.put_async(key, content, chunk_size=part, max_concurrency=1)
            await to_its_end(asyncio.ensure_future(putting))

    async def read(self, key: str, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        for start in range(begin, end, _READ_AT_ONCE):
            stop = min(start + _READ_AT_ONCE, end)
            async with aclosing(self._read(key, start, stop)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _read(self, key: str, begin: int, end: int) -> AsyncGenerator[bytes, None]:
        with _told(key):
            found = await self._store.get_async(key, options={"range": (begin, end)})
            pieces = aiter(found.stream(min_chunk_size=_PIECE))
        left = end - begin
        while True:
            with _told(key):
                piece = await anext(pieces, None)
            if piece is None:
                break
            left -= len(piece)
            yield bytes(piece)
        if left > 0:
            _log.error("files.cut_short", file=key, missing=left)
            raise StorageUnavailable()

    async def holds(self, key: str) -> bool:
        try:
            with _told(key):
                await self._store.head_async(key)
        except FileNotFound:
            return False
        return True

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            with _told():
                await self._store.delete_async(list(keys))

    async def listing(self, prefix: str = "") -> AsyncGenerator[Sequence[Stored], None]:
        listed = aiter(self._store.list(prefix or None, chunk_size=_LISTED))
        while True:
            with _told():
                some = await anext(listed, None)
            if some is None:
                return
            yield [Stored(one["path"], one["size"], one["last_modified"]) for one in some]


async def _pieces_of(path: Path) -> AsyncGenerator[bytes, None]:
    file = await on_disk(path.open, "rb", buffering=0)
    with file:
        while piece := await on_disk(file.read, _PIECE):
            yield piece


@contextmanager
def _told(key: str | None = None) -> Iterator[None]:
    """What obstore raises, as the errors that there are; its text goes to the log and no further.

    Where a key is asked for it may be that which is not there; otherwise it is the bucket.
    """
    from obstore.exceptions import BaseError

    try:
        yield
    except FileNotFoundError:
        if key is not None:
            raise FileNotFound() from None
        _log.error("files.bucket_failed", problem="there is no such bucket")
        raise StorageUnavailable() from None
    except (BaseError, OSError) as error:
        # It may hold an address and the server's answer, and no key: those are in no error of it.
        _log.error("files.bucket_failed", problem=str(error)[:500])
        raise StorageUnavailable() from error
