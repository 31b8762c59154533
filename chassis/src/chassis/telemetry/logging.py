"""Logs: one JSON line an event, on standard output, with secrets taken out.

Redaction looks at the *names* of fields (``password``, ``api_key``, ``token`` …) and at the
*shape* of text (bearer headers, JSON Web Tokens, provider keys, passwords in URLs), in events
and in stack traces alike: a text that came from a provider or a library passes through here.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import orjson
import structlog

from chassis.telemetry.context import request_id, trace_id

REDACTED = "[redacted]"

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

_SECRET_NAME = re.compile(
    r"password|passwd|secret|token|api_?key|authorization|cookie|credential|private_?key|"
    r"verification_?code",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]+"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\bparley_pat_[A-Za-z0-9_-]+"
    r"|\b(?:sk|pk|rk|xai|gsk|pat)[-_][A-Za-z0-9*._-]{6,}"
    r"|(?P<url>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)"
)


def redact_text(text: str) -> str:
    """``text`` with everything that looks like a credential replaced."""

    def replace(match: re.Match[str]) -> str:
        return (match["bearer"] or match["url"] or "") + REDACTED

    return _SECRET_TEXT.sub(replace, text)


def _redact(name: str, value: object) -> object:
    if _SECRET_NAME.search(name) and isinstance(value, str | bytes):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {str(key): _redact(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact(name, inner) for inner in value]
    return value


def _redact_event(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        event[name] = _redact(name, value)
    return event


def _add_context(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if current := request_id.get():
        event.setdefault("request_id", current)
        event.setdefault("trace_id", trace_id())
    return event


def _to_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except TypeError:
        # A lone surrogate, a huge number: a log line must never be what fails.
        return json.dumps(event, default=repr)


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to what is standard output at the time: whoever captures it has replaced it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout


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
        _redact_event,
    ]
    handler = _StandardOutput()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _to_json],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        cache_logger_on_first_use=True,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose events are ``logger.info("what.happened", field=value)``."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
