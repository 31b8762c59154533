"""``python -m tests.forkserver.runner``: the runner, whose services are forked from itself."""

import os
import socket

from parley_local.__main__ import main as run

from .client import ForkServer
from .identity import become
from .order import Order
from .processes import Starter
from .server import serve


def main() -> None:
    started = _fork_a_server()
    if isinstance(started, Order):
        become(started)
    else:
        run(Starter(started).start)


def _fork_a_server() -> ForkServer | Order:
    """The fork server; in the processes that it will start, what they are to be."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork():
        theirs.close()
        return ForkServer(ours)
    ours.close()
    # Ctrl-C is for the runner.
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    os.close(quiet)
    return serve(theirs)


if __name__ == "__main__":
    main()
