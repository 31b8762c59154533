"""What the body of a successful answer is, by its first bytes and its content type; and its messages.

Server-sent events are asked for. What comes may as well be one JSON document, the whole answer or an
error; JSON documents one a line; a page for people; nothing. Where type and bytes disagree, the bytes
are believed.
"""

from collections.abc import Callable
from typing import Protocol

from chat_service.providers import json_text
from chat_service.providers.charsets import BEGINNING_BYTES, Charset, charset_of, in_utf_8, is_wide
from chat_service.providers.errors import ProviderError, ProviderGarbled
from chat_service.providers.refusals import of_stream
from chat_service.providers.said import Said, page_text
from chat_service.providers.sse import EventDecoder, Events, too_long
from chat_service.providers.stray import words_of

_MARK = b"\xef\xbb\xbf"
_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_EVENTS = "text/event-stream"
_ZSTD_MARK = b"\x28\xb5\x2f\xfd"
# Of a body that is no answer, what is looked at for what it says.
_SHOWN_BYTES = 4096


class _Decoder(Protocol):
    def feed(self, data: bytes) -> Events: ...
    def end(self) -> Events: ...


class Body:
    """Decodes one body; what is not complete of it may have ``most_bytes``.

    ``content_type`` is the header's value, which may be empty or wrong.
    """

    def __init__(self, content_type: str, *, most_bytes: int, names: bool = True) -> None:
        self._type = content_type.partition(";")[0].strip().lower()
        self._most = most_bytes
        self._names = names
        self._first = b""
        self._decoder: _Decoder | None = None
        said = charset_of(content_type)
        self._charset = Charset(said) if said else None
        #: The messages that the next bytes of the body complete. Raises ProviderGarbled.
        self.feed: Callable[[bytes], Events] = self._look

    @property
    def is_events(self) -> bool:
        """Whether it is server-sent events; False as long as that is not known."""
        return isinstance(self._decoder, EventDecoder)

    def failure(self) -> ProviderError | None:
        """What words without a field mean, behind the last event of a body that breaks off there."""
        decoder = self._decoder
        return words_of(decoder.words) if isinstance(decoder, EventDecoder) else None

    def end(self) -> Events:
        """What the end of the body completes. Raises ProviderGarbled."""
        if self._charset is not None and (left := self._charset.end()):
            self._charset = None
            self._take(left)
        decoder = self._decoder
        if decoder is None and self._first.strip():
            self._begin(b"", is_over=True)
            decoder = self._decoder
        if decoder is not None:
            return decoder.end()
        raise ProviderGarbled(
            "an empty body",
            detail="The model server's answer has nothing in it; check the base URL and the model's name.",
        )

    def _look(self, data: bytes) -> Events:
        """The first bytes, which tell whether there is a charset to be undone."""
        data = self._first + data
        if len(data) < BEGINNING_BYTES:
            self._first = data
            return b""
        self._first = b""
        if self._charset is None and is_wide(data):
            self._charset = Charset("")
        self.feed = self._begin if self._charset is None else self._take
        return self.feed(data)

    def _take(self, data: bytes) -> Events:
        """Of a body in a charset: the messages that its next bytes complete."""
        if self._charset is not None:
            data = self._charset.feed(data)
        return self._begin(data) if self._decoder is None else self._decoder.feed(data)

    def _begin(self, data: bytes, *, is_over: bool = False) -> Events:
        data = self._first + data
        if len(data) < len(_MARK) and _MARK.startswith(data) and not is_over:
            self._first = data
            return b""
        data = data.removeprefix(_MARK)
        seen = data.lstrip()
        # White space says nothing, and some servers keep a connection alive with it, for as long as they
        # like; but a line of events that begins with it is another line.
        space = data[: len(data) - len(seen)][-1:]
        data = self._first = (b"" if space in (b"\r", b"\n") else space) + seen
        if seen.startswith(b"<"):
            self._refuse_page(seen, is_over=is_over)
            return b""
        if seen.startswith((b"{", b"[", b"\x1e{", b'"{', b'"data:')):
            decoder: _Decoder = JsonDecoder(self._most)
        elif seen.startswith(_FIELDS) or (
            seen and self._type == _EVENTS and not seen.startswith(_ZSTD_MARK)
        ):
            decoder = EventDecoder(self._most, names=self._names)
        else:
            self._refuse_text(seen, is_over=is_over)
            return b""
        self._first = b""
        self._decoder = decoder
        if self._charset is None:
            self.feed = decoder.feed
        return decoder.feed(data)

    def _refuse_page(self, seen: bytes, *, is_over: bool) -> None:
        if is_over or len(seen) >= _SHOWN_BYTES or b"</title>" in seen.lower():
            raise ProviderGarbled(
                "a page",
                detail="The model server answered with a page for people (HTML), not with an answer of "
                "the API: the base URL is probably wrong.",
                message=page_text(in_utf_8(seen, "").decode("utf-8", "replace")),
            )

    def _refuse_text(self, seen: bytes, *, is_over: bool) -> None:
        if not seen or not (is_over or len(seen) >= _SHOWN_BYTES):
            return
        what = self._type or "no type"
        if seen.startswith(_ZSTD_MARK):
            what = "compressed by zstd, and does not say so"
        text = seen[:_SHOWN_BYTES].decode("utf-8", "replace")
        text = "" if "\ufffd" in text or "\0" in text else text.strip().strip('"')
        # Proxies say in words why there is no answer, whatever the status is.
        told = of_stream(Said(message=text))
        if type(told) is not ProviderError:
            raise told
        raise ProviderGarbled(
            f"a body of {what}",
            detail="The model server answered with something that is not the protocol "
            f"({what[:60]}); check the base URL.",
            message=text,
        )


class JsonDecoder:
    """JSON: one document, or one on each line. The first line says which."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._rest = bytearray()
        self._is_lines: bool | None = None

    def feed(self, data: bytes) -> Events:
        """The documents that ``data`` completes, one a line. Raises ProviderGarbled."""
        end = 0 if self._is_lines is False else data.rfind(b"\n") + 1
        lines = data[:end]
        if end and self._rest:
            lines = bytes(self._rest) + lines
            self._rest.clear()
        if self._is_lines is None and (first := lines.lstrip()):
            self._is_lines = json_text.is_document(first.partition(b"\n")[0])
        if not self._is_lines:
            self._rest += lines
            lines = b""
        self._rest += data[end:]
        if len(self._rest) > self._most:
            raise too_long(self._most)
        return _one_a_line(lines)

    def end(self) -> Events:
        """The document that the body is, or its last one. Raises ProviderGarbled."""
        data = bytes(self._rest).strip()
        self._rest.clear()
        if self._is_lines and not json_text.is_document(data):
            return b""  # cut off in mid-line, as an event may be
        try:
            return b"\n".join([json_text.encode(value) for value in json_text.documents(data)])
        except ValueError as error:
            raise ProviderGarbled(
                f"JSON that cannot be read: {error}",
                detail="The model server's answer is JSON that breaks off or cannot be read; try again.",
            ) from error


def _one_a_line(lines: bytes) -> bytes:
    # Some servers mix them with lines of events.
    found = [line.removeprefix(b"data:") for line in lines.split(b"\n")]
    return b"\n".join([line for line in found if line.strip()])
