"""HTTP to model servers, over sockets that the address policy has admitted.

A request carries the headers that this module and its caller name and no others: nothing of the
environment (no proxies, no netrc, no variables of an SDK), nothing of this machine, no cookies.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial

import aiohttp
import yarl

from chassis.address_policy import AddressPolicy
from chassis.server_url import ServerUrl
from chat_service.providers.charsets import in_utf_8
from chat_service.providers.encodings import decoder_of
from chat_service.providers.errors import (
    ProviderBroke,
    ProviderError,
    ProviderGarbled,
)
from chat_service.providers.patience import SHIPPED, ServerPatience
from chat_service.providers.pool import Queue, open_session, trusted_tls
from chat_service.providers.refusals import of_response
from chat_service.providers.source import Source
from chat_service.providers.unreached import failure_of

_ERROR_BODY_BYTES = 64 * 1024
_ERROR_BODY_SECONDS = 5.0
_HEADERS = {
    "User-Agent": "Parley",
    # A few bytes of anything else could become any number.
    "Accept-Encoding": "identity",
}


class GuardedClient:
    """One pool of at most ``connections`` connections, for all users' providers.

    At most ``per_host`` of them go to one host and port, so that a server which never answers
    does not take them all. Made in a running event loop.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        connections: int,
        per_host: int,
        patience: ServerPatience = SHIPPED,
    ) -> None:
        self._policy = policy
        opened = partial(open_session, connections, per_host, trusted_tls(), patience=patience)
        self._guarded = opened(policy)
        self._opened = opened(None)
        # For the one more try of what a kept connection has lost: their connections are new.
        self._guarded_anew = opened(policy, keep=False)
        self._opened_anew = opened(None, keep=False)
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
        # The answer takes its time, and with pictures in it this is large.
        del body
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
        return in_utf_8(bytes(body), source.content_type)

    async def _send(
        self, server: ServerUrl, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> aiohttp.ClientResponse:
        is_open = self._policy.opens_host(server.host)
        queue = Queue()
        try:
            try:
                session = self._opened if is_open else self._guarded
                return await _sent(session, queue, f"{server}{path}", headers, body)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if not queue.reused or _has_begun_to_answer(error):
                    raise
                # It closed as the request went out: the server has done nothing with it.
                session = self._opened_anew if is_open else self._guarded_anew
                return await _sent(session, Queue(), f"{server}{path}", headers, body)
        # Where a host is neither a name nor an address, the resolver and the codec that it
        # encodes names with raise ValueError.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise failure_of(error, waited=queue.waited) from error

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
    # What a transfer is in besides chunks is undone like what its content is in.
    names = [
        *response.headers.getall("Content-Encoding", []),
        *response.headers.getall("Transfer-Encoding", []),
    ]
    return Source(response, decoder_of(", ".join(names)))


async def _sent(
    session: aiohttp.ClientSession,
    queue: Queue,
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
            source = _source_of(response)
            while len(body) < _ERROR_BODY_BYTES and (data := await source.read()):
                body += data
    response.close()
    kind = response.headers.get("Content-Type", "")
    told = in_utf_8(bytes(body[:_ERROR_BODY_BYTES]), kind)
    error = of_response(response.status, response.headers, told)
    error.refused = response.status, told
    return error
