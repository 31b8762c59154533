"""The SDK's HTTP, carried by aiohttp over sockets that the address policy has admitted.

A successful answer's body is left unread: ``extensions["source"]`` is a :class:`Source` of it,
so that the hot path reads the socket without the layers between. The body of any other answer
is read at once, and no more of it than an error message needs.
"""

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp
import httpx2

from chat_service.providers.guard import AddressForbidden, AddressPolicy

SOURCE = "source"

# For one address to accept, and for all that is to happen before the request can be sent.
_CONNECT_SECONDS = 10.0
_CONNECTED_SECONDS = 20.0
# What may still come behind a stream's own end is the body's end, if anything.
_LAST_BYTES_SECONDS = 1.0
_ERROR_BODY_BYTES = 64 * 1024


class Source:
    """The body of an answer, as its socket delivers it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._content = response.content
        # Set by the reader once the stream has said its own end.
        self.finished = False

    async def read(self) -> bytes:
        """What has arrived, once anything has; empty at the end."""
        return await self._content.readany()

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
        if self._response.connection is not None and self._response.connection.transport:
            with suppress(RuntimeError):  # it is closing, or holds already
                self._response.connection.transport.pause_reading()

    def release(self) -> None:
        """Take in what arrives again."""
        if self._response.connection is not None and self._response.connection.transport:
            with suppress(RuntimeError):
                self._response.connection.transport.resume_reading()


class _Body(httpx2.AsyncByteStream):
    """Ends with the answer: back to the pool after a stream's own end, else the socket closes."""

    def __init__(self, source: Source, closing: set[asyncio.Task[None]]) -> None:
        self._source = source
        self._closing = closing

    async def aclose(self) -> None:
        if not self._source.finished:
            self._source.close()
            return
        # The saving of the answer need not wait for it.
        task = asyncio.create_task(self._source.read_to_its_end())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """One pool of at most ``connections`` connections, for all users' providers.

    At most ``per_host`` of them go to one host and port, so that a server which never answers
    does not take them all. Who gets none within 20 s is refused: httpx2.PoolTimeout. Otherwise
    raises httpx2.ConnectError, with AddressForbidden as its cause if that was the reason.
    """

    def __init__(self, policy: AddressPolicy, *, connections: int, per_host: int) -> None:
        self._policy = policy
        self._guarded = _session(connections, per_host, policy)
        self._opened = _session(connections, per_host, None)
        self._closing: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._opened if self._policy.opens_host(request.url.host) else self._guarded
        queue = _Queue()
        try:
            response = await session.request(
                request.method,
                str(request.url),
                headers=request.headers,
                data=request.content,
                allow_redirects=False,
                trace_request_ctx=queue,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and isinstance(
                error.os_error, AddressForbidden
            ):
                raise httpx2.ConnectError(str(error)) from error.os_error
            if queue.waited and isinstance(error, aiohttp.ConnectionTimeoutError):
                raise httpx2.PoolTimeout(str(error)) from error
            raise httpx2.ConnectError(str(error)) from error
        headers = [
            (name, value)
            for name, value in response.raw_headers
            if name.lower() not in (b"content-encoding", b"content-length")
        ]
        if response.status >= 300:
            async with response:
                text = await response.content.read(_ERROR_BODY_BYTES)
            return httpx2.Response(response.status, headers=headers, content=text, request=request)
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            # Nobody asked for it, and a few bytes of it could become any number.
            response.close()
            raise httpx2.DecodingError(f"an answer in the encoding {encoding!r}")
        source = Source(response)
        return httpx2.Response(
            response.status,
            headers=headers,
            stream=_Body(source, self._closing),
            request=request,
            extensions={SOURCE: source},
        )

    async def aclose(self) -> None:
        if self._closing:
            await asyncio.wait(self._closing)
        await self._guarded.close()
        await self._opened.close()


class _Queue:
    """Whether a request had to wait for a connection of the pool to become free."""

    def __init__(self) -> None:
        self.waited = False


async def _note_waiting(_: aiohttp.ClientSession, context: Any, __: object) -> None:
    context.trace_request_ctx.waited = True


def _session(
    connections: int, per_host: int, policy: AddressPolicy | None
) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_connection_queued_start.append(_note_waiting)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections,
            limit_per_host=per_host,
            ttl_dns_cache=30,
            socket_factory=None if policy is None else policy.make_socket,
        ),
        trace_configs=[trace],
        auto_decompress=False,
        # Users share the pool: what a provider sets for one must not reach another.
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(
            total=None, connect=_CONNECTED_SECONDS, sock_connect=_CONNECT_SECONDS
        ),
        read_bufsize=64 * 1024,
    )
