"""Server-sent events by the WHATWG algorithm, with what model servers get wrong.

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation says what
an event is. Forgiven beyond it, where nothing that the standard reads is read otherwise but text that
is no JSON: an event of one complete JSON document ends before the next ``data`` line also without the
blank line between them; a line that is no field and has such a document, or ``[DONE]``, is an event
without its ``data:``, or with one that is written otherwise, and one of that name behind ``error:``; lines
that are no field are part of a document that is whole with them alone; and
what the end of the stream cuts off is an event if it is such a document, or ``[DONE]``.

The mark at the beginning of a stream is not this module's (``body.py``), nor is reconnecting: ``id``
and ``retry`` say nothing here.
"""

import re
from operator import itemgetter
from typing import NamedTuple

from chat_service.providers.errors import ProviderGarbled
from chat_service.providers.json_text import is_document

#: The payload that ends a stream of the OpenAI protocol.
DONE = b"[DONE]"


# What a line of data weighs beside what it says: an object of Python's.
_LINE_BYTES = 64

_MOST_WORDS = 4096
# As a number it is looked for three times as fast.
_RETURN = ord("\r")
# What may stand before the document of a line that is no field.
_STRAY = re.compile(
    rb"(?:\xef\xbb\xbf|[ \t\f\x00\x1e])*(?:(data|error)[ \t]*:)?[ \t]*", re.IGNORECASE
)
# An event with a name and one line of data.
_NAMED = re.compile(rb"^event: [^\n]*\ndata: ([^\n]*)\n\n", re.MULTILINE)


class Event(NamedTuple):
    """``name`` is empty where none was said; several ``data`` lines are joined by line feeds."""

    name: bytes
    data: bytes


#: Of events that have no name and one line of data: their data, one a line, none being as good as
#: empty data. Else the events.
Events = bytes | list[Event]


def too_long(most_bytes: int) -> ProviderGarbled:
    """What a message without an end comes to."""
    return ProviderGarbled(
        f"a message of more than {most_bytes} bytes",
        detail="The model server sent a message that is longer than any answer may be.",
    )


class EventDecoder:
    """Decodes one stream; an event that has not ended may have ``most_bytes``.

    Without ``names`` those may be left out: who reads the events is told the same by their data.
    """

    def __init__(self, most_bytes: int, *, names: bool = True) -> None:
        self._most = most_bytes
        self._names = names
        self._line = bytearray()
        self._after_return = False
        self._name = b""
        self._data: list[bytes] = []
        self._data_bytes = 0
        # Lines that are no field, and how many of the data they stand behind.
        self._strays: list[tuple[int, bytes]] = []
        #: The last of what stands behind the last event and is no field: a server's words, perhaps.
        self.words = b""
        # Whether what has come so far ends within an event, behind whole lines of it, or behind words.
        self._is_within = False

    def feed(self, data: bytes) -> Events:
        """The events that ``data`` completes, wherever it was cut. Raises ProviderGarbled."""
        if _RETURN in data or self._after_return:
            data = self._with_line_feeds(data)
        end = data.rfind(b"\n") + 1
        line = self._line
        if not end:
            line += data
            self._check_size()
            return b""
        lines = data[:end]
        if line:
            lines = bytes(line) + lines
            line.clear()
        if end < len(data):
            line += data[end:]
            self._check_size()
        # What servers usually send: nothing is done for an event by itself.
        if lines.startswith(b"data: ") and lines.endswith(b"\n\n") and not self._is_within:
            datas = lines[6:-2].split(b"\n\ndata: ")
            if lines.count(b"\n") == 2 * len(datas):
                return datas[0] if len(datas) == 1 else b"\n".join(datas)
        if not self._names and lines.startswith(b"event: ") and not self._is_within:
            datas = _NAMED.findall(lines)
            if lines.count(b"\n") == 3 * len(datas):
                return b"\n".join(datas)
        return self._events(lines)

    def end(self) -> list[Event]:
        """What the end of the stream has cut off, if it is whole."""
        events: list[Event] = []
        if self._line:
            self._take_line(bytes(self._line), events)
            self._line.clear()
        data = self._joined()
        if is_document(data) or data.strip() == DONE:
            events.append(Event(self._name, data))
        self._name, self._data, self._strays, self._is_within = b"", [], [], False
        return events

    def _with_line_feeds(self, data: bytes) -> bytes:
        # A line ends with its carriage return: whether a line feed follows is not waited for.
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]
            self._after_return = False
        if data:
            self._after_return = data.endswith(b"\r")
        data = data.replace(b"\r\n", b"\n")
        return data.replace(b"\r", b"\n") if _RETURN in data else data

    def _check_size(self) -> None:
        if len(self._line) + self._data_bytes > self._most:
            raise too_long(self._most)

    def _events(self, lines: bytes) -> Events:
        events: list[Event] = []
        for line in lines[:-1].split(b"\n"):
            self._take_line(line, events)
        self._is_within = bool(self._data or self._name or self.words)
        if events and all(not event.name and b"\n" not in event.data for event in events):
            return b"\n".join([event.data for event in events])
        return events

    def _take_line(self, line: bytes, events: list[Event]) -> None:
        if not line:
            self._dispatch(events)
            return
        field, _, value = line.partition(b":")
        if field == b"data":
            if len(self._data) == 1 and is_document(self._data[0]):
                self._dispatch(events)
            value = value.removeprefix(b" ")
            self._data.append(value)
            self._count(value)
        elif field == b"event":
            self._name = value.removeprefix(b" ")
        elif field:  # else it is a comment
            self._take_stray(line, events)

    def _count(self, line: bytes) -> None:
        self._data_bytes += len(line) + _LINE_BYTES
        self._check_size()

    def _take_stray(self, line: bytes, events: list[Event]) -> None:
        begun = _STRAY.match(line)
        value = line if begun is None else line[begun.end() :]
        if (value.startswith(b"{") and is_document(value)) or value.strip() == DONE:
            self._dispatch(events)
            name = None if begun is None else begun[1]
            events.append(Event(b"error" if name and name.lower() == b"error" else b"", value))
        elif self._data and self._data[0].lstrip().startswith((b"{", b"[")):
            self._strays.append((len(self._data), line))
            self._count(line)
        else:
            self.words = (self.words + line + b"\n")[-_MOST_WORDS:]

    def _dispatch(self, events: list[Event]) -> None:
        if self._data:
            events.append(Event(self._name, self._joined()))
            self._data, self._strays = [], []
            self.words = b""
            self._data_bytes = 0
        self._name = b""

    def _joined(self) -> bytes:
        """The data of the event so far; of a document that goes on over lines without ``data:``, those as well."""
        data = b"\n".join(self._data)
        if self._strays and not is_document(data):
            lines = sorted(
                [*((at + 1, line) for at, line in enumerate(self._data)), *self._strays],
                key=itemgetter(0),
            )
            if is_document(whole := b"\n".join([line for _, line in lines])):
                return whole
        return data
