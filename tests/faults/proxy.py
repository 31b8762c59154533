"""A TCP proxy on one edge of the stack, which can be cut, black-holed and slowed down.

A black hole is that of TCP: nothing arrives while it lasts, and what was sent into it arrives
afterwards, late. That is what fences have to stand.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from chassis.embedded import free_port

Result = TypeVar("Result")
Place = Callable[[], tuple[str, int]]

_CHUNK = 65536
# Closing with no time to linger is a reset rather than a farewell.
_RESET = struct.pack("ii", 1, 0)


class Proxies:
    """A thread with an event loop in which all proxies live."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        self._proxies: list[Proxy] = []

    def add(self, upstream: Place) -> "Proxy":
        """A proxy on a free port; ``upstream`` is asked anew for each connection."""
        proxy = Proxy(self, upstream)
        self.run(proxy.listen())
        self._proxies.append(proxy)
        return proxy

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await ``work`` in the proxies' loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        for proxy in self._proxies:
            self.run(proxy.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Proxy:
    """One edge. Its faults begin at once, for connections that are open as well."""

    def __init__(self, home: Proxies, upstream: Place) -> None:
        self.port = free_port()
        #: Connections that were accepted while the edge was whole.
        self.accepted = 0
        #: Reads that a fault kept from arriving, or arriving in time.
        self.hit = 0
        self._home = home
        self._upstream = upstream
        self._whole = asyncio.Event()
        self._whole.set()
        self._severed = False
        self._delay = 0.0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    # Faults, from any thread

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Every connection is reset, and each new one."""
        self._home.run(self._sever())
        try:
            yield
        finally:
            self._severed = False

    def drop(self) -> None:
        """Reset every connection once; new ones are welcome."""
        self._home.run(self._reset_all())

    @contextmanager
    def black_hole(self) -> Iterator[None]:
        """Nothing arrives on either side while this lasts; it does afterwards."""
        self._home.run(self._set(whole=False))
        try:
            yield
        finally:
            self._home.run(self._set(whole=True))

    @contextmanager
    def delay(self, seconds: float) -> Iterator[None]:
        """Whatever is sent arrives so much later, in order."""
        self._delay = seconds
        try:
            yield
        finally:
            self._delay = 0.0

    async def _set(self, *, whole: bool) -> None:
        if whole:
            self._whole.set()
        else:
            self._whole.clear()

    async def _sever(self) -> None:
        self._severed = True
        await self._reset_all()

    async def _reset_all(self) -> None:
        self.hit += len(self._writers)
        for writer in list(self._writers):
            _reset(writer)

    # Connections

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # The stream protocol would report a cancelled task as an error of its own.
        with suppress(asyncio.CancelledError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            if not self._whole.is_set():
                self.hit += 1
                await self._whole.wait()
            if self._severed:
                self.hit += 1
                return
            self.accepted += 1
            back, there = await asyncio.open_connection(*self._upstream())
            self._writers.add(there)
            await asyncio.gather(self._pump(reader, there), self._pump(back, writer))
        except OSError:
            pass  # one side is gone: so is the other
        finally:
            for each in (writer, there):
                if each is not None:
                    self._writers.discard(each)
                    _reset(each)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            if not self._whole.is_set():
                self.hit += 1
                await self._whole.wait()
            if self._delay:
                self.hit += 1
                await asyncio.sleep(self._delay)
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
