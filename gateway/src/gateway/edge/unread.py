"""A client that does not read what it was sent: how long a connection is kept for it."""

import array
import asyncio
import sys


class UnreadClock:
    """Drops the connection of ``transport`` once for ``seconds`` nothing was read of what is unread.

    Without it such a client would hold its connection, and up to 64 KiB or one whole answer in memory,
    for as long as it likes: a transport that is closed still waits for what it has to send.
    """

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        self._transport = transport
        self._seconds = seconds
        self._unread = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """From now on, until nothing is unread. To be called when nothing more is written for now."""
        self.stop()
        if self._transport.get_write_buffer_size():
            self._unread = unread(self._transport)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        """It reads, or the connection is no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._transport.get_write_buffer_size() and unread(self._transport) >= self._unread:
            self._transport.abort()
        else:
            self.watch()


def unread(transport: asyncio.Transport) -> int:
    """Bytes that were written and not yet taken by the peer, here and in the kernel."""
    size = transport.get_write_buffer_size()
    if sys.platform == "win32":
        return size
    import fcntl
    import termios

    queued = array.array("i", [0])
    try:
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, queued)
    except OSError:
        # Closed meanwhile.
        return size
    return size + queued[0]
