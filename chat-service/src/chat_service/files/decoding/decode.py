"""Has a file read by a process of its own, and takes what that says for no more than it is."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import BinaryIO, Final

from prometheus_client import Histogram

from chassis.processes import end_process
from chassis.telemetry.logging import get_logger
from chat_service.files.decoding.child import BOUNDS
from chat_service.files.decoding.report import MOST_BYTES, Failed, Report
from chat_service.files.domain.errors import FileKindRefused, FileReadersBusy, StorageUnavailable
from chat_service.files.domain.kinds import Kind
from chat_service.files.domain.unreadable import FileDamaged, FileLocked, FileTooComplex
from chat_service.files.usecases.ports import Inspected

_log = get_logger(__name__)

#: How long is waited for a file to be read, seconds, by one process or two: three times the processor time that each
#: may take, which ends it.
MOST_SECONDS: Final = 60.0

_CHILD: Final = "chat_service.files.decoding.child"
_SECONDS = Histogram(
    "chat_file_decoding_seconds",
    "Time that the reading of an uploaded file took, by what came of it.",
    ["outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)


class Decoding:
    """Reads files: each takes a processor, and up to 640 MiB of memory (see child.BOUNDS)."""

    def __init__(self, *, most_seconds: float = MOST_SECONDS) -> None:
        self._most_seconds = most_seconds

    async def __call__(self, path: Path, kind: Kind) -> Inspected:
        """Reads the file at `path`, and puts beside it what comes of that.

        Raises FileKindRefused, FileUnreadable, StorageUnavailable, FileNotFoundError where it was taken away, and
        FileReadersBusy where the machine did not give the reading the processor time that it may take.
        """
        ends = asyncio.get_running_loop().time() + self._most_seconds
        report = await self._report(path, kind, ends)
        if report.failed is Failed.NOT_UTF8:
            report = await self._report(path, kind, ends, "older")
        match report.failed:
            case None:
                pass
            case Failed.NO_SUCH_KIND | Failed.NOT_UTF8:
                raise FileKindRefused(kind.name)
            case Failed.LOCKED:
                raise FileLocked(kind.name)
            case Failed.TOO_COMPLEX:
                raise FileTooComplex(kind.name)
            case Failed.DAMAGED:
                raise FileDamaged(kind.name)
            case Failed.DISK:
                _log.error("files.disk_failed", problem="while a file was read")
                raise StorageUnavailable()
        return Inspected(
            content=_kept(path) if report.replaced else path,
            text=_told(path) if report.told else None,
            facts=report.facts,
        )

    async def _report(self, path: Path, kind: Kind, ends: float, *how: str) -> Report:
        began = monotonic()
        line = await self._read(path, ends, how)
        seconds = monotonic() - began
        try:
            report = Report.of(line)
            outcome = "read" if report.failed is None else report.failed.value
        except ValueError:
            # It was killed, for the processor time or memory that it took or for what the file did to it.
            report, outcome = Report(Failed.TOO_COMPLEX), "killed"
            _log.warning("file.reader_killed", kind=kind.name, seconds=round(seconds, 3))
        _SECONDS.labels(outcome).observe(seconds)
        return report

    async def _read(self, path: Path, ends: float, how: tuple[str, ...]) -> bytes:
        """What the process says, or nothing where it was killed.

        Raises RuntimeError if it did not come to reading, FileReadersBusy if it did not come to an end of its own
        by `ends`, the loop's time.
        """
        with ExitStack() as handed:
            source, *results = _opened(handed, path)
            numbers = [str(one.fileno()) for one in results]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", _CHILD, str(os.getpid()), *numbers, *how),
                stdin=source,
                stdout=PIPE,
                stderr=PIPE,
                pass_fds=[one.fileno() for one in results],
                env={},
                cwd="/",
            )
        began = monotonic()
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            async with asyncio.timeout_at(ends):
                line = await process.stdout.read(MOST_BYTES)
                # Of one that was killed it is negative, and of one that has read the file 0.
                code = await process.wait()
                if code == -signal.SIGKILL and monotonic() - began < BOUNDS.cpu_seconds:
                    # Not for the processor time that it took: the machine had no memory left, or somebody ended it.
                    _log.warning("file.reader_lost")
                    raise FileReadersBusy()
                if code > 0:
                    said = await process.stderr.read(MOST_BYTES)
                    raise RuntimeError(
                        f"what reads files cannot begin: {said.decode(errors='replace')}"
                    )
                return line
        except TimeoutError:
            raise FileReadersBusy() from None
        finally:
            await end_process(process)


def _opened(handed: ExitStack, path: Path) -> Sequence[BinaryIO]:
    """The file, and where the results go. Raises StorageUnavailable, FileNotFoundError where it was taken away."""
    try:
        source = handed.enter_context(path.open("rb"))
        return source, *(handed.enter_context(one.open("wb")) for one in (_kept(path), _told(path)))
    except FileNotFoundError:
        raise
    except OSError as error:
        _log.error("files.disk_failed", problem=error.strerror, file=error.filename)
        raise StorageUnavailable() from error


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.kept")


def _told(path: Path) -> Path:
    return path.with_name(f"{path.name}.told")
