"""Logs: one JSON line an event, on standard output, with secrets taken out.

Redaction is the last thing before a line is written: every event, of ours and of libraries, with
its exception, is made of plain values first, and every text among them goes through
:func:`chassis.telemetry.redaction.redact_text`; what stands under the *name* of a secret
(``password``, ``api_key``, ``token`` …) is taken out whatever it is
(:mod:`chassis.telemetry.secret_names`).
"""

import json
import logging
import sys
import threading
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TextIO
from uuid import UUID

import orjson
import structlog

from chassis.telemetry.context import request_id, trace_id
from chassis.telemetry.redaction import REDACTED, redact_text
from chassis.telemetry.secret_names import Disclosed, Name, name_of

if TYPE_CHECKING:
    from types import TracebackType

_LIBRARIES = (
    "aiohttp",
    "alembic",
    "asyncio",
    "httpcore",
    "httpx",
    "httpx2",
    "nats",
    "openai",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
    "websockets.server",
)

# What the chain itself puts into each event.
_OURS = frozenset({"timestamp", "level", "logger", "service", "trace_id"})
# Deeper than anybody reads, and than a structure that holds itself is followed.
_MOST_DEPTH = 8


def _redact(name: str, value: object, depth: int = 0) -> object:
    """``value`` as plain JSON values, under ``name``, with secrets taken out."""
    if value is None or isinstance(value, bool | Disclosed):
        return value
    kind = name_of(name)
    # What most values are comes first: a Mapping takes long to be told from anything else.
    if isinstance(value, str | int | float):
        if kind.hides(value):
            return REDACTED
        return redact_text(value) if isinstance(value, str) else value
    if isinstance(value, Mapping):
        if depth >= _MOST_DEPTH:
            return "…"
        # What is inside has a name of its own, but a secret's content is secret altogether.
        inherited = kind in {Name.SECRET, Name.COUNT}
        return {
            _redact_key(kind, key): _redact(name if inherited else str(key), inner, depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return ["…"] if depth >= _MOST_DEPTH else [_redact(name, one, depth + 1) for one in value]
    if kind.hides(value):
        return REDACTED
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return redact_text(bytes(value).decode("utf-8", "backslashreplace"))
    try:
        return redact_text(repr(value))
    except Exception as error:  # noqa: BLE001 - a log line must never be what fails
        return f"<{type(value).__name__} without a repr: {type(error).__name__}>"


def _redact_key(kind: Name, key: object) -> str:
    # {"pins": {1234: "ada"}}: a number is no field's name.
    if kind.hides(key) and not isinstance(key, str):
        return REDACTED
    return redact_text(str(key))


def _add_context(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if current := request_id.get():
        event.setdefault("request_id", current)
        event.setdefault("trace_id", trace_id())
    return event


class _Line(str):
    """An event as it is written, secrets taken out."""

    __slots__ = ()


def _to_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> _Line:
    """``event`` as its line. One that cannot be made says so, without what it was to be made of."""
    try:
        redacted = {
            name: value if name in _OURS else _redact(name, value) for name, value in event.items()
        }
        try:
            return _Line(orjson.dumps(redacted), "utf-8")
        except TypeError:
            # A lone surrogate, a huge number.
            return _Line(json.dumps(redacted))
    except Exception as error:  # noqa: BLE001 - a log line must never be what fails
        return _failed(str(event.get("logger")), error)


def _failed(logger: str, error: BaseException | None) -> _Line:
    failed = {"event": "log.failed", "logger": logger, "error": type(error).__name__}
    return _Line(json.dumps({"level": "error", **failed}))


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Makes lines of libraries' records. Events of ours come as lines: made once, where they are told."""

    def format(self, record: logging.LogRecord) -> str:
        return record.msg if isinstance(record.msg, _Line) else super().format(record)


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to what is standard output at the time: whoever captures it has replaced it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A line that cannot be made says so, without what it was to be made of."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            return  # standard output is gone: there is nobody to tell
        self.stream.write(_failed(record.name, error) + self.terminator)
        self.flush()


def configure_logging(service: str, level: str) -> None:
    """Send every log of this process, libraries' included, to standard output as JSON.

    ``level`` is a name of the standard library's, in either case; libraries speak from
    ``warning`` on.
    """

    def add_service(
        _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        add_service,
        _add_context,
        structlog.processors.format_exc_info,
    ]
    handler = _StandardOutput()
    handler.setFormatter(
        _Formatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _to_line],
        )
    )
    # What a line of ours does not say need not be found out for it:
    # https://docs.python.org/3/howto/logging.html#optimization
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    if sys.version_info >= (3, 12):
        logging.logAsyncioTasks = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, _to_line],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )


def log_the_uncaught() -> None:
    """Have what would be written to standard error by itself go through the logs.

    That is exceptions that end the process or a thread or that nobody can catch, and warnings.
    """
    log = get_logger("uncaught")

    def of_process(
        kind: type[BaseException], error: BaseException, trace: "TracebackType | None"
    ) -> None:
        log.critical("uncaught.in_process", exc_info=(kind, error, trace))

    def of_thread(thrown: threading.ExceptHookArgs) -> None:
        log.error("uncaught.in_thread", exc_info=thrown.exc_value)

    def unraisable(thrown: "sys.UnraisableHookArgs") -> None:
        log.error("uncaught.unraisable", where=thrown.err_msg, exc_info=thrown.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_process, of_thread, unraisable
    logging.captureWarnings(capture=True)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose events are ``logger.info("what.happened", field=value)``."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
