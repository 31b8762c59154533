"""Performs a script: bytes as they are, pauses, and the ends that a connection may have."""

import asyncio
import socket
import struct
from collections.abc import Sequence

from parley_local.model_server.steps import Act, HalfClose, Hold, Pause, Reset


class ScriptPlayer:
    """One scripted response; the connection is closed behind its last act."""

    def __init__(self, transport: asyncio.Transport, acts: Sequence[Act]) -> None:
        self._transport = transport
        self._acts = list(acts)
        self._timer: asyncio.Handle | None = None
        #: Whether the end of the connection is the script's own.
        self.has_ended = False

    def go_on(self) -> None:
        """Perform what is due."""
        self._timer = None
        while self._acts:
            match self._acts.pop(0):
                case Pause(seconds):
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(seconds, self.go_on)
                    return
                case Hold():
                    return
                case HalfClose():
                    self._transport.write_eof()
                    return
                case Reset():
                    self.has_ended = True
                    _reset(self._transport)
                    return
                case data:
                    self._transport.write(data)
        self.has_ended = True
        self._transport.close()

    def stop(self) -> None:
        """The client has gone."""
        self._acts.clear()
        if self._timer is not None:
            self._timer.cancel()


def _reset(transport: asyncio.Transport) -> None:
    # With no time to linger a close is a reset.
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
