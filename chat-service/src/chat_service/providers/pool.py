"""The pool of connections to model servers: what one is, and what it takes in."""

import asyncio
import re
import ssl
from functools import cache, partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.helpers import _EXC_SENTINEL, set_exception
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage

from chassis.address_policy import AddressPolicy
from chat_service.providers.patience import SHIPPED, ServerPatience

# Of one header of an answer; policies of pages have long ones.
_HEADER_BYTES = 64 * 1024
# A head that has not ended is kept whole up to here; of a longer one the parser says what is wrong.
_MOST_HEAD = 4 * _HEADER_BYTES
_HTTP = b"HTTP/"
_LENGTHS = re.compile(rb"\r?\ncontent-length[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_BLANK_BEFORE_COLON = re.compile(rb"(\n[!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]+:")
# Of answers that stand before the answer; the one that ends what is HTTP is none of these.
_MOST_NEWS = 32
_SWITCHED = 101
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_LONGEST_END = 3


class BrokenFraming(aiohttp.ClientPayloadError):
    """What says how long a body is, or its chunks are, is not HTTP."""


def forgiven(head: bytes) -> bytes:
    """A head of HTTP without what can mean one thing only, and that the parser refuses all the same.

    Lengths that are equal are one (RFC 9110, 8.6), and a blank before a colon is dropped (RFC 9112, 5.1).
    """
    if b" :" in head or b"\t:" in head:
        head = _BLANK_BEFORE_COLON.sub(rb"\1:", head)
    said = list(_LENGTHS.finditer(head))
    lengths = {one.strip() for found in said for one in found[1].split(b",")}
    if len(lengths) != 1 or (len(said) == 1 and b"," not in said[0][1]):
        return head
    first, behind = said[0], head[said[0].end() :]
    line = b"\r\nContent-Length: " + lengths.pop()
    return head[: first.start()] + line + _LENGTHS.sub(b"", behind)


def _may_be_head(begun: bytes) -> bool:
    """Whether it is the beginning of a head, so far, that is not too long to be kept."""
    said = begun.lstrip(b"\r\n")[: len(_HTTP)]
    return _HTTP.startswith(said.upper()) and len(begun) <= _MOST_HEAD


class Body(aiohttp.StreamReader):
    """A body that is read as it arrives, however it was cut into chunks.

    aiohttp's own reader keeps account of each chunk, and resumes parser and transport for each one
    that is read. Model servers send a chunk for each token, and that was half of what reading cost.
    """

    __slots__ = ()

    @property
    def waiting(self) -> int:
        """Bytes that have arrived and were not read, whatever came behind them."""
        return self._size

    async def readany(self) -> bytes:
        """What has arrived, before the error that came behind it.

        aiohttp's own raises at once, and what arrived together with the break would be lost.
        """
        return self._read_nowait(-1) if self._size else await super().readany()

    def begin_http_chunk_receiving(self) -> None:
        """Where a chunk begins says nothing."""

    def end_http_chunk_receiving(self) -> None:
        """Nor where it ends: :meth:`feed_data` has woken whoever waits."""

    def _read_nowait(self, n: int) -> bytes:
        if n != -1 or self._buffer_offset:
            return super()._read_nowait(n)
        data = b"".join(self._buffer)
        self._buffer.clear()
        self._size = 0
        self._cursor += len(data)
        if self._protocol._reading_paused:  # noqa: SLF001 - by what :meth:`feed_data` did
            self._protocol.resume_reading()
        return data


class _Response(aiohttp.ClientResponse):
    """A response whose body is a :class:`Body`, which the parser cannot be told to make."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        response = await super().start(connection)
        if type(self.content) is aiohttp.StreamReader:  # else it is empty
            self.content.__class__ = Body
        return response


class _Handler(ResponseHandler):
    """A connection that gives away what it took in, whatever broke behind it.

    Where the framing of a body breaks, aiohttp drops what came in the same read as the answer's head,
    and never tells the body of what broke in a later one, so that its reader would wait on.

    News before an answer (1xx) are not told, and there are few of them: aiohttp takes in any number,
    each at the cost of a whole answer, and nobody else's turn comes meanwhile.
    """

    _news = 0
    _awaits_head = True
    # Of a head that has not ended what has come, or the last bytes: its end may be cut anywhere.
    _before = b""
    _is_long = False

    def set_response_params(self, **params: Any) -> None:
        self._awaits_head = True
        super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        # Each head by itself, so that the parser has given it away when something behind it breaks.
        while self._awaits_head and self._exception is None:
            begun = self._before + data
            ending = _END_OF_HEAD.search(begun)
            if ending is None and not self._is_long and _may_be_head(begun):
                self._before = begun
                return
            if ending is None:
                given = data if self._is_long else begun
                self._before = begun[-_LONGEST_END + 1 :]
                self._is_long = True
                super().data_received(given)
                return
            size = ending.end() - len(self._before)
            head = data[:size] if self._is_long else forgiven(begun[: ending.end()])
            self._before, self._is_long = b"", False
            super().data_received(head)
            data = data[size:]
            if not data:
                return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._before and not self._is_long and self._exception is None:
            # What there is of a head tells that an answer had begun.
            begun, self._before = self._before, b""
            super().data_received(begun)
        super().connection_lost(exc)

    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        super().set_exception(exc, exc_cause)
        body = self._payload
        # Of a connection that is lost the body hears otherwise.
        if isinstance(exc, HttpProcessingError) and body is not None and not body.is_eof():
            set_exception(body, BrokenFraming(exc.message), exc_cause)
            # Else it would hear next that it is not complete, as of one that was merely cut off.
            self._payload = None

    def feed_data(
        self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0
    ) -> None:
        if not 100 <= data[0].code < 200 or data[0].code == _SWITCHED:
            self._news = 0
            self._awaits_head = False
            super().feed_data(data, size)
            return
        self._news += 1
        if self._news == _MOST_NEWS:
            self.set_exception(HttpProcessingError(message="news before an answer, without end"))
            if self.transport is not None:
                self.transport.abort()


def _connection(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return _Handler(loop)


class Queue:
    """Whether a request had to wait for a connection of the pool, and whether it got a used one."""

    def __init__(self) -> None:
        self.waited = False
        self.reused = False


async def _note_waiting(_: aiohttp.ClientSession, context: Any, __: object) -> None:
    context.trace_request_ctx.waited = True


async def _note_reuse(_: aiohttp.ClientSession, context: Any, __: object) -> None:
    context.trace_request_ctx.reused = True


@cache
def trusted_tls() -> ssl.SSLContext:
    """Trusts whom the system trusted when this process first asked: to read that takes 40 ms.

    Not ``ssl.create_default_context``: that writes the secrets of connections, which carry
    users' keys, to wherever SSLKEYLOGFILE points.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.set_alpn_protocols(("http/1.1",))
    return context


def open_session(
    connections: int,
    per_host: int,
    tls: ssl.SSLContext,
    policy: AddressPolicy | None,
    *,
    keep: bool = True,
    patience: ServerPatience = SHIPPED,
) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=connections,
        limit_per_host=per_host,
        ttl_dns_cache=30,
        ssl=tls,
        force_close=not keep,
        socket_factory=None if policy is None else policy.make_socket,
    )
    # There is no other way to say what a connection is.
    connector._factory = partial(_connection, loop=asyncio.get_running_loop())  # noqa: SLF001
    trace = aiohttp.TraceConfig()
    trace.on_connection_queued_start.append(_note_waiting)
    trace.on_connection_reuseconn.append(_note_reuse)
    return aiohttp.ClientSession(
        connector=connector,
        trace_configs=[trace],
        response_class=_Response,
        auto_decompress=False,
        # Users share the pool: what a provider sets for one must not reach another.
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(
            total=None, connect=patience.connected, sock_connect=patience.connect
        ),
        read_bufsize=64 * 1024,
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
    )
