"""What stands among the chunks of a chat completion and is none: the end's own words, pings, words about
what went wrong.
"""

import re
from collections.abc import Iterable
from typing import Final

from chat_service.providers import json_text
from chat_service.providers.errors import ProviderError, ProviderGarbled
from chat_service.providers.failing import is_error
from chat_service.providers.refusals import of_stream
from chat_service.providers.said import Said, page_text, said_by
from chat_service.providers.sse import DONE, Event

# The end's own words, with whatever somebody has put around them.
_DONE: Final = re.compile(
    rb'(?:["<]*\[?done\]?[">.]*)+|["<]*\[(?:end|stop|eos|eof|finish(?:ed)?)\][">.]*|<(?:end|eos|eof)>',
    re.IGNORECASE,
)
# What keeps a connection alive: such a word, a time, marks alone.
_AROUND: Final = b' \t"[]()<>*.:-'
_IDLE: Final = re.compile(
    rb"""(?:ping|pong|heart[-_\s]?beat|keep[-_\s]?alive|ok|undefined|none)?[\s:-]*
    (?:[0-9]{4}-[0-9]{2}-[0-9]{2}[T\s][0-9:.]{5,20}(?:Z|\s?[+-][0-9:]{4,5}|\sUTC)?|[0-9]{10}(?:\.[0-9]+)?)?""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST_WORD: Final = 64
IDLE_EVENTS: Final = frozenset({"ping", "heartbeat", "keepalive", "keep-alive"})
DONE_EVENTS: Final = frozenset(
    {"done", "end", "complete", "completed", "close", "finish", "finished", "stop", "message_stop"}
    | {"stream_end", "end_of_stream", "eos", "eof"}
)
ERROR_EVENTS: Final = frozenset({"error", "exception", "fatal", "stream_error", "server_error"})
#: The names of events that say something that their data does not.
TELLING: Final = frozenset(name.encode() for name in (*ERROR_EVENTS, *IDLE_EVENTS, *DONE_EVENTS))
# What tells of a failure, in words.
_FAILED = re.compile(
    r"error|fail|exception|time-?d? ?out|traceback|refused|\breset\b|unavailable|bad gateway|limit|overload"
    r"|exceeded|denied|abort|crash|out of memory|unauthori[sz]ed|quota|panic|killed|disconnect",
    re.IGNORECASE,
)
# What was to be JSON, by how it begins: its text is nothing to show.
_JSON = re.compile(rb"\{\s*[\"}]|\[\s*[\"{\[\]0-9]")


def is_done(data: bytes) -> bool:
    """Whether it is a word that ends a stream."""
    return data == DONE or (len(data) <= _MOST_WORD and _DONE.fullmatch(data) is not None)


def is_idle(data: bytes) -> bool:
    """Whether it is a word that says nothing."""
    return not data or (
        len(data) <= _MOST_WORD and _IDLE.fullmatch(data.strip(_AROUND)) is not None
    )


def lines_of(events: list[Event]) -> bytes | None:
    """Their data, one a line, if their names say nothing."""
    if any(name in TELLING or b"\n" in data for name, data in events):
        return None
    return b"\n".join([data for _, data in events])


def events_of(lines: bytes) -> list[Event]:
    """Events without names, whose data are ``lines``."""
    return [Event(b"", line) for line in lines.split(b"\n")]


def not_json(name: str, data: bytes) -> ProviderError | None:
    """What text means that is no chunk, of an event of ``name``; None: nothing."""
    text = data[:4096].decode("utf-8", "replace")
    is_json = _JSON.match(data) is not None
    if name == "error" or (not name and not is_json and "error" in text.lower()):
        return of_stream(Said(message=text.strip('"')))
    # An event of somebody's own; and a comment that a proxy took for data.
    if name or data.startswith(b":"):
        return None
    return ProviderGarbled(
        f"not JSON: {text[:200]}",
        detail="The model server sent something in mid-answer that cannot be read; try again.",
        message="" if is_json else text,
    )


def words_of(lines: bytes) -> ProviderError | None:
    """What lines mean that are no events, where a stream breaks off behind them; None: nothing that failed."""
    text = lines.decode("utf-8", "replace").strip()
    if not _FAILED.search(text):
        return None
    return of_stream(Said(message=page_text(text) if text.startswith("<") else text))


def failure_in(datas: Iterable[bytes]) -> ProviderError | None:
    """The first failure that one of ``datas`` is by itself."""
    for data in datas:
        try:
            said = json_text.decode(data.strip())
        except ValueError:
            continue
        if isinstance(said, dict) and is_error(said, ""):
            return of_stream(said_by(said))
    return None
