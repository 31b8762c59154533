"""The background jobs of imports: one reads them, each by a process of its own, one takes away what is left."""

import asyncio
import os
import sys
import time
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Final

from prometheus_client import Counter

from chassis.clock import utc_now
from chassis.db.owners import OwnerErased
from chassis.db.transactions import OpenTransaction
from chassis.errors import AppError
from chassis.processes import end_process
from chassis.repeated import Repeated
from chassis.telemetry.logging import get_logger
from chat_service.imports.domain.job import ImportState
from chat_service.imports.domain.waiting import NotTakenNow
from chat_service.imports.filing import TakeFile
from chat_service.imports.noting import TakeNotes
from chat_service.imports.reading.frames import MOST_LINE
from chat_service.imports.store.leases import Leases, Taken
from chat_service.imports.storing import STALLED_SECONDS, ReaderStalled, Storing
from chat_service.notices.domain.notice import SessionChange, Tell, session_notice
from chat_service.personas.usecases.write import WritePersonas
from chat_service.runs.domain.retention import KEPT, Retention
from chat_service.words.domain.word_filter import InForce, no_words

_log = get_logger(__name__)

_ENDED = Counter("chat_imports_total", "Imports that have ended, by how.", ["state"])

_SECONDS: Final = 5.0
#: How long a reader may say nothing, and how long it may take in all: others wait for it.
_SILENT_SECONDS: Final = 900.0
_LONGEST_SECONDS: Final = 3600.0
_HEARTBEAT_SECONDS: Final = 2.0
_MOST_ATTEMPTS: Final = 5
#: For so long at least one waits whose notes or files nobody has taken.
_AWAY_SECONDS: Final = 30.0
_SWEPT: Final = 100
_SWEEP_SECONDS: Final = 30.0
# What it reads may be anything: it knows no setting and no secret of this process.
_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
_FED: Final = 256 * 1024


class Importing(Repeated):
    """Reads what waits, one file at a time.

    `ended` is called behind each. Copies that a reader makes lie in the folder that `scratch` says, where there is one, unseen by others.
    In seconds: `heartbeat_seconds` are between two signs that it is being read; a reader may say nothing for
    `silent_seconds`, in the midst of a conversation for `stalled_seconds`.
    """

    def __init__(
        self,
        leases: Leases,
        open_transaction: OpenTransaction,
        tell: Tell,
        write_personas: WritePersonas,
        *,
        command: Callable[[int], list[str]] | None = None,
        in_force: InForce = no_words,
        scratch: Callable[[], Path | None] = lambda: None,
        ended: Callable[[], None] = lambda: None,
        retention: Callable[[], Retention] = lambda: KEPT,
        take_notes: TakeNotes | None = None,
        take_file: TakeFile | None = None,
        heartbeat_seconds: float = _HEARTBEAT_SECONDS,
        silent_seconds: float = _SILENT_SECONDS,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._silent_seconds = silent_seconds
        self._stalled_seconds = stalled_seconds
        self._take_notes = take_notes
        self._take_file = take_file
        self._retention = retention
        self._ended = ended
        self._in_force = in_force
        self._scratch = scratch
        super().__init__("imports", self.read_all, seconds=_SECONDS)
        self._leases = leases
        self._open_transaction = open_transaction
        self._tell = tell
        self._write_personas = write_personas
        self._command = command or _reader

    async def read_all(self) -> None:
        """Everything that waits. Raises DatabaseBusy or DatabaseUnavailable."""
        while (taken := await self._leases.take()) is not None:
            await self._read(taken)

    async def _read(self, taken: Taken) -> None:
        if taken.attempts > _MOST_ATTEMPTS:
            await self._end(taken, ImportState.FAILED, "GIVEN_UP")
            return
        storing = Storing(
            self._open_transaction,
            taken,
            self._write_personas,
            self._in_force,
            days=self._retention().days_of(taken.tenant_id),
            take_notes=self._take_notes,
            take_file=self._take_file,
            stalled_seconds=self._stalled_seconds,
        )
        began = time.monotonic()
        try:
            await self._store(taken, storing)
            if not await self._heartbeat(taken, storing):
                return
            state, reason = ImportState.FAILED, storing.reason
            if reason is None:
                state = ImportState.COMPLETED
                # All that is in it was taken: what is not in it any more, nobody knows.
                reason = "FILE_CHANGED" if storing.is_changed else None
            await self._end(taken, state, reason)
        except OwnerErased:
            return
        except ReaderStalled:
            # It may have been for want of a processor; what does it again and again is given up.
            _log.warning("import.reader_stalled", import_id=str(taken.id))
            await self._leases.release(taken, forgiven=False)
        except NotTakenNow as error:
            # Others have their turn. No more than half of the time goes into reading it in vain.
            after = max(_AWAY_SECONDS, time.monotonic() - began)
            _log.warning(
                f"import.{error.what}_not_taken", import_id=str(taken.id), away=error.is_away
            )
            await self._heartbeat(taken, storing)
            await self._leases.release(
                taken, forgiven=error.is_away, after=after, waits_for=error.what
            )
        except (asyncio.CancelledError, AppError):
            # Somebody else goes on with it, or this one once the database is back.
            with suppress(AppError):
                await asyncio.shield(self._leases.release(taken, forgiven=True))
            raise
        finally:
            self._tell(session_notice(taken.user_id, SessionChange.CREATED, None))

    async def _end(self, taken: Taken, state: ImportState, reason: str | None) -> None:
        await self._leases.end(taken, state.value, reason, utc_now())
        self._ended()
        _ENDED.labels(state.value).inc()
        _log.info("import.ended", import_id=str(taken.id), state=state.value, reason=reason)

    async def _store(self, taken: Taken, storing: Storing) -> None:
        """Until the reader has ended, or nobody wants it to go on."""
        reader = await asyncio.create_subprocess_exec(
            *self._command(taken.size),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # What it complains of may quote what it reads.
            stderr=asyncio.subprocess.DEVNULL,
            env=await self._environment(),
            # A reader that is faster than the database waits: of what it says as much is held as of what it reads.
            limit=_FED,
        )
        assert reader.stdin is not None
        assert reader.stdout is not None
        feeding = asyncio.create_task(self._feed(taken, reader.stdin), name="import-feeding")
        heartbeats = asyncio.create_task(
            self._keep_heartbeats(taken, storing), name="import-heartbeats"
        )
        store = asyncio.create_task(self._take_lines(storing, reader.stdout), name="import-storing")
        tasks = (feeding, heartbeats, store)
        try:
            # Whichever ends it: the reader, the user, or an error of any of them.
            pending = set(tasks)
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                if store in done or heartbeats in done:
                    break
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await end_process(reader)

    async def _environment(self) -> dict[str, str]:
        folder = self._scratch()
        if folder is None:
            return _ENVIRONMENT
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            # The reader finds the place that the system has for it, or says that it has no room.
            _log.warning("import.no_scratch", error=type(error).__name__)
            return _ENVIRONMENT
        return {**_ENVIRONMENT, "TMPDIR": str(folder), "SQLITE_TMPDIR": str(folder)}

    async def _take_lines(self, storing: Storing, out: asyncio.StreamReader) -> None:
        async with aclosing(_lines(out, self._silent_seconds)) as lines:
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await storing.store(lines)
            except TimeoutError:
                storing.reason = "TOOK_TOO_LONG"
            except ValueError:
                # It ended in the middle of something, by a bound of its own as a rule.
                _log.warning("import.reader_failed")

    async def _feed(self, taken: Taken, stdin: asyncio.StreamWriter) -> None:
        """Until all of it has been read, or the reader wants no more: it says why."""
        number = 0
        try:
            while (piece := await self._leases.piece(taken, number)) is not None:
                packed, data = piece
                whole = await asyncio.to_thread(zlib.decompress, data) if packed else data
                for start in range(0, len(whole), _FED):
                    if stdin.is_closing():
                        return
                    stdin.write(whole[start : start + _FED])
                    await stdin.drain()
                number += 1
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            stdin.close()

    async def _keep_heartbeats(self, taken: Taken, storing: Storing) -> None:
        """Returns once nobody wants it to go on."""
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            if not await self._heartbeat(taken, storing):
                return
            self._tell(session_notice(taken.user_id, SessionChange.CREATED, None))

    async def _heartbeat(self, taken: Taken, storing: Storing) -> bool:
        return await self._leases.heartbeat(
            taken, storing.report, format_=storing.format, done=storing.done
        )


class ImportSweep(Repeated):
    """Takes away what nobody needs: uploads that were given up, bytes that were read, old reports."""

    def __init__(self, leases: Leases) -> None:
        super().__init__("import sweep", self.sweep, seconds=_SWEEP_SECONDS)
        self._leases = leases

    async def sweep(self) -> None:
        """All that there is of it. Raises DatabaseBusy or DatabaseUnavailable."""
        while sum(await self._leases.sweep(_SWEPT)):
            continue


async def _lines(out: asyncio.StreamReader, silent_seconds: float) -> AsyncGenerator[bytes]:
    """Whole lines, without their ends.

    Raises ValueError for half a line, or one that is too long, TimeoutError where nothing comes for `silent_seconds`.
    """
    begun = bytearray()
    while piece := await asyncio.wait_for(out.read(_FED), silent_seconds):
        begin = 0
        while (end := piece.find(b"\n", begin)) >= 0:
            yield bytes(begun) + piece[begin:end]
            begun.clear()
            begin = end + 1
        begun += piece[begin:]
        if len(begun) > MOST_LINE:
            raise ValueError("a line is too long")
    if begun:
        raise ValueError("half a line")


def _reader(size: int) -> list[str]:
    return [sys.executable, "-I", "-m", "chat_service.imports.reading", str(size), str(os.getpid())]
