"""A file of the operator's, in force as a whole, and read anew while the service runs."""

import asyncio
import signal
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from prometheus_client import Counter, Gauge

from chassis.hangups import ignore_hangups
from chassis.repeated import Repeated
from chassis.settings import ServiceSettings, UnusableSetting, variable_of
from chassis.telemetry.logging import get_logger

_log = get_logger(__name__)

_LOOK_SECONDS: Final = 5.0
Stamp = tuple[int, int, int]
Content = TypeVar("Content")


class BadFile(Exception):
    """The text says what is wrong and where, and shows no value that could be a secret."""


class Reading:
    """One reading of a file and of those that it names.

    ``seen`` is what each of them was when it was read, also when the reading has failed.
    """

    def __init__(self) -> None:
        self.seen: dict[Path, Stamp] = {}

    def is_stale(self) -> bool:
        """Whether any of the files has changed since, come or gone."""
        return any(stamp(path) != seen for path, seen in self.seen.items())

    def text(self, path: Path, most: int) -> str:
        """What is in it, in UTF-8, with a byte order mark or without one.

        Raises BadFile, also for more than ``most`` bytes, and for none: of an editor that writes a file anew that
        may be seen, and nobody says nothing so.
        """
        # Before it is read: a change that comes meanwhile makes this reading stale.
        self.seen[path] = stamp(path)
        try:
            with path.open("rb") as file:
                raw = file.read(most + 1)
            if len(raw) > most:
                raise BadFile(f"more than {most} bytes: {path}")
            text = raw.decode("utf-8-sig")
        except OSError as error:
            raise BadFile(f"{error.strerror}: {path}") from None
        except ValueError:
            raise BadFile(f"not text in UTF-8: {path}") from None
        if not text.strip():
            raise BadFile(f"line 1: it is empty: {path}")
        return text


def read_toml(raw: str, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """The values of a text in TOML; raises BadFile, which says where it is wrong and shows no value."""
    try:
        return tomllib.loads(raw, parse_float=parse_float)
    except tomllib.TOMLDecodeError as error:
        # A line may hold what should not stand there.
        where = str(error).rpartition("(")[2].rstrip(")")
        raise BadFile(f"it is no TOML ({where})") from None
    except RecursionError:
        raise BadFile("it is no TOML (it is too deep)") from None


@contextmanager
def file_of(settings: type[ServiceSettings], setting: str) -> Iterator[None]:
    """Where the file is first read that ``setting`` names: what is wrong with it is wrong with that.

    Raises UnusableSetting.
    """
    try:
        yield
    except BadFile as error:
        raise UnusableSetting(variable_of(settings, setting), str(error)) from None


class FileMetrics:
    """What is said in metrics of a file; ``prefix`` begins their names, ``what`` is in the file."""

    def __init__(self, prefix: str, what: str) -> None:
        self.current = Gauge(
            f"{prefix}_current",
            f"1 if {what} in force are those of the file; 0 if it could not be read last time.",
        )
        reads = Counter(
            f"{prefix}_reads_total", "Readings of it, by outcome: taken, refused.", ["outcome"]
        )
        self.taken = reads.labels("taken")
        self.refused = reads.labels("refused")


class OperatorFile(Repeated, Generic[Content]):
    """What the file at ``path`` says, as a whole; ``content`` is ``empty`` without a path.

    Looks at the file, and at those that it names, every five seconds and at SIGHUP. A file that is
    wrong changes nothing but the log, the metrics and :meth:`probe`. Raises BadFile when it is made
    with one. ``read`` raises BadFile, and runs in a thread of its own but for the first time. ``subject``
    begins the names of the events in the log.
    """

    def __init__(
        self,
        subject: str,
        path: Path | None,
        read: Callable[[Reading, Path], Content],
        *,
        empty: Content,
        metrics: FileMetrics,
    ) -> None:
        super().__init__(f"operator {subject}", self.look, seconds=_LOOK_SECONDS)
        self.content = empty
        self._subject = subject
        self._path = path
        self._read = read
        self._metrics = metrics
        self._problem: str | None = None
        self._asked = False
        self._reading = Reading()
        if path is not None:
            try:
                self._take(read(self._reading, path))
            except BadFile as error:
                self._refuse(str(error))
                raise

    async def start(self) -> None:
        if self._path is None:
            return
        _hear_hangup(self._read_anew)
        await super().start()

    async def stop(self) -> None:
        if self._path is not None:
            _miss_hangup(self._read_anew)
        await super().stop()

    async def probe(self) -> None:
        """Raises BadFile while the file is not what is in force."""
        if self._problem is not None:
            raise BadFile(self._problem)

    async def look(self) -> None:
        """Take the file if it has changed, or SIGHUP has come."""
        asked, self._asked = self._asked, False
        if self._path is None or not (asked or self._reading.is_stale()):
            return
        reading = self._reading = Reading()
        try:
            # A megabyte takes tenths of a second, in which others' answers go on.
            self._take(await asyncio.to_thread(self._read, reading, self._path))
        except BadFile as error:
            self._refuse(str(error))
            _log.error(
                f"{self._subject}.refused",
                file=str(self._path),
                problem=str(error),
                advice=f"the {self._subject} read before stay in force; mend the file",
            )
        except Exception as error:
            self._refuse(f"it could not be read: {type(error).__name__}")
            raise
        else:
            _log.info(f"{self._subject}.taken", file=str(self._path))

    def _take(self, content: Content) -> None:
        self.content = content
        self._problem = None
        self._metrics.current.set(1)
        self._metrics.taken.inc()

    def _refuse(self, problem: str) -> None:
        self._problem = problem
        self._metrics.current.set(0)
        self._metrics.refused.inc()

    def _read_anew(self) -> None:
        self._asked = True
        self.wake()


# A loop has one handler for a signal, and a process may have more files than one.
_on_hangup: list[Callable[[], None]] = []


def _hung_up() -> None:
    for each in _on_hangup:
        each()


def _hear_hangup(callback: Callable[[], None]) -> None:
    with suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _hung_up)
        _on_hangup.append(callback)


def _miss_hangup(callback: Callable[[], None]) -> None:
    if callback in _on_hangup:
        _on_hangup.remove(callback)
        if not _on_hangup:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)
            # The process may be in the midst of its drain.
            ignore_hangups()


def stamp(path: Path) -> Stamp:
    """What changes when the file does; the same whenever there is none."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)
