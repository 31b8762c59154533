"""The fork server's own loop."""

import os
import socket
from pathlib import Path

from chassis.embedded.child import end_with_parent

from .order import LONGEST, Order

_STREAMS = 3


def serve(channel: socket.socket) -> Order:
    """Start a process for each order that comes, and answer with its process id.

    Returns in the processes that it starts, and in no other: each is its starter's child by then,
    with the standard streams it was given and no other descriptor. The process that calls ends
    when the starter closes its end.
    """
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "fork() takes one thread along"
    while True:
        message, streams, _, _ = socket.recv_fds(channel, LONGEST, _STREAMS)
        if not message:
            os._exit(0)
        order = Order.decode(message)
        adopted, adopt = os.pipe()
        pid = _fork_orphan()
        if pid == 0:
            os.close(adopt)
            # Until then its parent is the process that has just ended, or is about to.
            os.read(adopted, 1)
            channel.detach()
            end_with_parent(order.parent, order.death_signal)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            os.closerange(_STREAMS, os.sysconf("SC_OPEN_MAX"))
            return order
        for descriptor in (adopt, adopted, *streams):
            os.close(descriptor)
        channel.send(str(pid).encode())


def _fork_orphan() -> int:
    """As fork(), but the child's parent has ended and has been waited for."""
    told, tell = os.pipe()
    between = os.fork()
    if between == 0:
        try:
            pid = os.fork()
            if pid == 0:
                os.close(told)
                os.close(tell)
                return 0
            os.write(tell, str(pid).encode())
            os._exit(0)
        except OSError as error:
            os.write(2, f"fork server: {error}\n".encode())
            os._exit(1)
    os.close(tell)
    answer = os.read(told, 20)
    os.close(told)
    _, status = os.waitpid(between, 0)
    assert status == 0, "fork() failed"
    return int(answer)
