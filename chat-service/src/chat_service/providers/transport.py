"""HTTP to model servers, over sockets that the address policy has admitted.

A request carries the headers that this module and its caller name and no others: nothing of the
environment (no proxies, no netrc, no variables of an SDK), nothing of this machine, no cookies.
"""

import asyncio
import errno
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import cache
from typing import Any

import aiohttp
import yarl
from aiohttp.connector import Connection

from chassis.address_policy import AddressForbidden, AddressPolicy
from chassis.server_url import ServerUrl
from chat_service.providers.encodings import Inflating, decoder_of
from chat_service.providers.errors import (
    ProviderAddressForbidden,
    ProviderBroke,
    ProviderBusy,
    ProviderError,
    ProviderGarbled,
    ProviderNameNotFound,
    ProviderRefusedConnection,
    ProviderTimedOut,
    ProviderTlsFailed,
    ProviderUnreachable,
)
from chat_service.providers.refusals import of_response

# For one address to accept, and for all that is to happen before the request can be sent.
_CONNECT_SECONDS = 10.0
_CONNECTED_SECONDS = 20.0
# What may still come behind a stream's own end is the body's end, if anything.
_LAST_BYTES_SECONDS = 1.0
_ERROR_BODY_BYTES = 64 * 1024
_ERROR_BODY_SECONDS = 5.0
# Of one header of an answer; policies of pages have long ones.
_HEADER_BYTES = 64 * 1024
_HEADERS = {
    "User-Agent": "Parley",
    # A few bytes of anything else could become any number.
    "Accept-Encoding": "identity",
}


class Source:
    """The body of an answer, as its socket delivers it."""

    def __init__(
        self, response: aiohttp.ClientResponse, inflating: Inflating | None = None
    ) -> None:
        self._response = response
        self._content = response.content
        self._inflating = inflating
        self.content_type = response.headers.get("Content-Type", "")
        # Set by the reader once the stream has said its own end.
        self.finished = False

    async def read(self) -> bytes:
        """What has arrived, once anything has; empty at the end. Raises ProviderGarbled."""
        if self._inflating is None:
            return await self._content.readany()
        return await self._read_inflated(self._inflating)

    async def _read_inflated(self, inflating: Inflating) -> bytes:
        while True:
            data = b"" if inflating.has_more else await self._content.readany()
            if not data and not inflating.has_more:
                return b""
            if given := inflating.feed(data):
                return given

    @property
    def can_be_held(self) -> bool:
        """Whether :attr:`waiting` says what has arrived; not in an encoding."""
        return self._inflating is None

    @property
    def waiting(self) -> int:
        """How many bytes have arrived and were not read, also those behind which the stream broke."""
        content = self._content
        return content.waiting if isinstance(content, _Body) else 0

    @property
    def is_over(self) -> bool:
        """Whether nothing more will arrive."""
        return self._content.is_eof() or self._content.exception() is not None

    def take(self) -> bytes:
        """What has arrived, without waiting for it; to be asked for only if something is waiting."""
        return self._content._read_nowait(-1)  # noqa: SLF001 - the public one drops it for an error

    async def read_to_its_end(self) -> None:
        """Let the body end, so that its connection serves the next answer; then close."""
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_LAST_BYTES_SECONDS):
                # A server that goes on talking behind the end is not waited for.
                if not self._content.at_eof():
                    await self._content.readany()
        self.close()

    def close(self) -> None:
        """Close the connection, unless the body has ended and given it back."""
        self._response.close()

    def hold(self) -> None:
        """Leave what arrives in the kernel's buffer, for the time being."""
        if (transport := self._transport()) is not None:
            try:  # noqa: SIM105 - it is the hot path, and suppress() costs as much as what it is around
                transport.pause_reading()
            except RuntimeError:  # it is closing, or holds already
                pass

    def release(self) -> None:
        """Take in what arrives again."""
        if (transport := self._transport()) is not None:
            try:  # noqa: SIM105 - as above
                transport.resume_reading()
            except RuntimeError:
                pass

    def _transport(self) -> asyncio.Transport | None:
        connection = self._response.connection
        return None if connection is None else connection.transport


class _Body(aiohttp.StreamReader):
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
    """A response whose body is a :class:`_Body`, which the parser cannot be told to make."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        response = await super().start(connection)
        if type(self.content) is aiohttp.StreamReader:  # else it is empty
            self.content.__class__ = _Body
        return response


class GuardedClient:
    """One pool of at most ``connections`` connections, for all users' providers.

    At most ``per_host`` of them go to one host and port, so that a server which never answers
    does not take them all. Made in a running event loop.
    """

    def __init__(self, policy: AddressPolicy, *, connections: int, per_host: int) -> None:
        self._policy = policy
        tls = _tls()
        self._guarded = _session(connections, per_host, tls, policy)
        self._opened = _session(connections, per_host, tls, None)
        # For the one more try of what a kept connection has lost: their connections are new.
        self._guarded_anew = _session(connections, per_host, tls, policy, keep=False)
        self._opened_anew = _session(connections, per_host, tls, None, keep=False)
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def post(
        self, server: ServerUrl, path: str, *, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[Source]:
        """The body of a successful answer, to be read within the block.

        Raises ProviderError: ProviderBusy if there is no free connection within 20 s, and for
        an answer of another status what ``of_response`` makes of it. Redirects are not followed.
        """
        response = await self._send(server, path, headers, body)
        if response.status >= 300:
            raise await _refusal(response)
        source = _source_of(response)
        try:
            yield source
        finally:
            self._end(source)

    async def get(
        self, server: ServerUrl, path: str, *, headers: Mapping[str, str], most_bytes: int
    ) -> bytes:
        """The whole body of a successful answer to a GET.

        Raises ProviderError as :meth:`post` does, and ProviderGarbled for a longer body. The caller
        bounds the time.
        """
        response = await self._send(server, path, headers, None)
        if response.status >= 300:
            raise await _refusal(response)
        source = _source_of(response)
        try:
            body = bytearray()
            while data := await source.read():
                body += data
                if len(body) > most_bytes:
                    raise ProviderGarbled(f"an answer of more than {most_bytes} bytes")
        except (aiohttp.ClientError, OSError) as error:
            raise ProviderBroke(f"{type(error).__name__}: {error}") from error
        finally:
            source.close()
        return bytes(body)

    async def _send(
        self, server: ServerUrl, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> aiohttp.ClientResponse:
        is_open = self._policy.opens_host(server.host)
        queue = _Queue()
        try:
            try:
                session = self._opened if is_open else self._guarded
                return await _sent(session, queue, f"{server}{path}", headers, body)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if not queue.reused or _has_begun_to_answer(error):
                    raise
                # It closed as the request went out: the server has done nothing with it.
                session = self._opened_anew if is_open else self._guarded_anew
                return await _sent(session, _Queue(), f"{server}{path}", headers, body)
        # Where a host is neither a name nor an address, the resolver and the codec that it
        # encodes names with raise ValueError.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(error, queue) from error

    def _end(self, source: Source) -> None:
        """Back to the pool after a stream's own end, else the socket closes."""
        if not source.finished:
            source.close()
            return
        # The saving of the answer need not wait for it.
        task = asyncio.create_task(source.read_to_its_end())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        if self._closing:
            await asyncio.wait(self._closing)
        await self._guarded.close()
        await self._opened.close()
        await self._guarded_anew.close()
        await self._opened_anew.close()


def _source_of(response: aiohttp.ClientResponse) -> Source:
    try:
        inflating = decoder_of(response.headers.get("Content-Encoding", ""))
    except ProviderGarbled:
        response.close()
        raise
    return Source(response, inflating)


async def _sent(
    session: aiohttp.ClientSession,
    queue: "_Queue",
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> aiohttp.ClientResponse:
    return await session.request(
        "GET" if body is None else "POST",
        yarl.URL(url, encoded=True),
        headers={**_HEADERS, **headers},
        data=body,
        allow_redirects=False,
        trace_request_ctx=queue,
    )


def _has_begun_to_answer(error: aiohttp.ServerDisconnectedError | aiohttp.ClientOSError) -> bool:
    """Whether bytes of an answer had come; of a connection that was reset nobody says so."""
    # aiohttp says what there is of the answer's head, or else that the server disconnected.
    return isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)


async def _refusal(response: aiohttp.ClientResponse) -> ProviderError:
    """No more of the body is read than an error message needs, nor waited for."""
    body = bytearray()
    with suppress(aiohttp.ClientError, OSError, ProviderError):
        async with asyncio.timeout(_ERROR_BODY_SECONDS):
            source = Source(response, decoder_of(response.headers.get("Content-Encoding", "")))
            while len(body) < _ERROR_BODY_BYTES and (data := await source.read()):
                body += data
    response.close()
    told = bytes(body[:_ERROR_BODY_BYTES])
    error = of_response(response.status, response.headers, told)
    error.refused = response.status, told
    return error


def _failure(error: Exception, queue: "_Queue") -> ProviderError:
    """What keeps a server from being reached."""
    text = f"{type(error).__name__}: {error}"
    match error:
        case aiohttp.ClientConnectorError(os_error=AddressForbidden()):
            return ProviderAddressForbidden()
        case aiohttp.ConnectionTimeoutError() if queue.waited:
            return ProviderBusy(text)
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return ProviderTimedOut(text)
        case aiohttp.ClientSSLError():
            return ProviderTlsFailed(text)
        case aiohttp.ClientConnectorDNSError():
            return ProviderNameNotFound(text)
        case aiohttp.ClientConnectorError(os_error=os_error):
            return _connect_failure(os_error, text)
        case aiohttp.ClientResponseError():
            return ProviderGarbled(
                text,
                detail="The model server does not speak HTTP as it should; check whether the base URL "
                "should begin with https://, and its port.",
            )
        case aiohttp.ServerDisconnectedError():
            return ProviderUnreachable(
                text,
                detail="The model server closed the connection without an answer; try again, and check "
                "the base URL if it goes on.",
            )
        case ssl.SSLError():
            return ProviderTlsFailed(text)
        case UnicodeError():  # of the codec that names are encoded with
            return ProviderNameNotFound(text)
    return ProviderUnreachable(text)


def _connect_failure(error: OSError, text: str) -> ProviderError:
    if isinstance(error, ConnectionRefusedError) or error.errno == errno.ECONNREFUSED:
        return ProviderRefusedConnection(text)
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return ProviderTimedOut(text)
    if isinstance(error, ssl.SSLError):
        return ProviderTlsFailed(text)
    return ProviderUnreachable(text)


class _Queue:
    """Whether a request had to wait for a connection of the pool, and whether it got a used one."""

    def __init__(self) -> None:
        self.waited = False
        self.reused = False


async def _note_waiting(_: aiohttp.ClientSession, context: Any, __: object) -> None:
    context.trace_request_ctx.waited = True


async def _note_reuse(_: aiohttp.ClientSession, context: Any, __: object) -> None:
    context.trace_request_ctx.reused = True


@cache
def _tls() -> ssl.SSLContext:
    """Trusts whom the system trusted when this process first asked: to read that takes 40 ms.

    Not ``ssl.create_default_context``: that writes the secrets of connections, which carry
    users' keys, to wherever SSLKEYLOGFILE points.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    context.set_alpn_protocols(("http/1.1",))
    return context


def _session(
    connections: int,
    per_host: int,
    tls: ssl.SSLContext,
    policy: AddressPolicy | None,
    *,
    keep: bool = True,
) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_connection_queued_start.append(_note_waiting)
    trace.on_connection_reuseconn.append(_note_reuse)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections,
            limit_per_host=per_host,
            ttl_dns_cache=30,
            ssl=tls,
            force_close=not keep,
            socket_factory=None if policy is None else policy.make_socket,
        ),
        trace_configs=[trace],
        response_class=_Response,
        auto_decompress=False,
        # Users share the pool: what a provider sets for one must not reach another.
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(
            total=None, connect=_CONNECTED_SECONDS, sock_connect=_CONNECT_SECONDS
        ),
        read_bufsize=64 * 1024,
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
    )
