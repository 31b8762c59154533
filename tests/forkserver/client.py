"""The starter's end of a fork server."""

import ctypes
import socket
import threading

from .order import Order

_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


class ForkServerEnded(Exception):
    """It did not start the process; why stands in its standard error."""


class ForkServer:
    """Starts processes that are this process's children."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lock = threading.Lock()

    def start(self, order: Order, stdin: int, stdout: int, stderr: int) -> int:
        """The id of the new process, for the caller to wait for; it is there for some 20 ms.

        The three descriptors stay the caller's. Raises ForkServerEnded.
        """
        message = order.encode()
        with self._lock:
            # For no longer than it takes: orphans of others are to be nobody's, as ever.
            _adopt_orphans(True)
            try:
                socket.send_fds(self._channel, [message], [stdin, stdout, stderr])
                answer = self._channel.recv(20)
            except OSError as error:
                raise ForkServerEnded(str(error)) from None
            finally:
                _adopt_orphans(False)
        if not answer:
            raise ForkServerEnded
        return int(answer)

    def close(self) -> None:
        """It ends; the processes that it has started go on."""
        self._channel.close()


def _adopt_orphans(wanted: bool) -> None:
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
