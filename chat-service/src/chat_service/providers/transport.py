"""The SDK's HTTP, carried by aiohttp over sockets that the address policy has admitted.

A successful answer's body is left unread: ``extensions["source"]`` is a :class:`Source` of it,
so that the hot path reads the socket without the layers between. The body of any other answer
is read at once, and no more of it than an error message needs.
"""

from contextlib import suppress

import aiohttp
import httpx2

from chat_service.providers.guard import AddressForbidden, AddressPolicy

SOURCE = "source"

_CONNECT_SECONDS = 10.0
_ERROR_BODY_BYTES = 64 * 1024


class Source:
    """The body of an answer, as its socket delivers it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._content = response.content

    async def read(self) -> bytes:
        """What has arrived, once anything has; empty at the end."""
        return await self._content.readany()

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
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def aclose(self) -> None:
        # Not released to the pool: what is left of a stream is not worth reading.
        self._response.close()


class GuardedTransport(httpx2.AsyncBaseTransport):
    """One pool of at most ``connections`` connections, for all users' providers.

    Raises httpx2.ConnectError, with AddressForbidden as its cause if that was the reason.
    """

    def __init__(self, policy: AddressPolicy, *, connections: int) -> None:
        self._policy = policy
        self._guarded = _session(connections, policy)
        self._opened = _session(connections, None)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._opened if self._policy.opens_host(request.url.host) else self._guarded
        try:
            response = await session.request(
                request.method,
                str(request.url),
                headers=request.headers,
                data=request.content,
                allow_redirects=False,
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) and isinstance(
                error.os_error, AddressForbidden
            ):
                raise httpx2.ConnectError(str(error)) from error.os_error
            raise httpx2.ConnectError(str(error)) from error
        headers = [
            (name, value)
            for name, value in response.raw_headers
            # aiohttp has undone the encoding.
            if name.lower() not in (b"content-encoding", b"content-length")
        ]
        if response.status >= 300:
            async with response:
                text = await response.content.read(_ERROR_BODY_BYTES)
            return httpx2.Response(response.status, headers=headers, content=text, request=request)
        return httpx2.Response(
            response.status,
            headers=headers,
            stream=_Body(response),
            request=request,
            extensions={SOURCE: Source(response)},
        )

    async def aclose(self) -> None:
        await self._guarded.close()
        await self._opened.close()


def _session(connections: int, policy: AddressPolicy | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections,
            ttl_dns_cache=30,
            socket_factory=None if policy is None else policy.make_socket,
        ),
        # Users share the pool: what a provider sets for one must not reach another.
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        read_bufsize=64 * 1024,
    )
