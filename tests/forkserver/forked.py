"""A fork server that is forked from the process that wants it."""

import os
import socket
from collections.abc import Callable

from .client import ForkServer
from .order import Order
from .server import serve


def fork_a_server(load: Callable[[], None] = lambda: None) -> ForkServer | Order:
    """The fork server, which loads when a first process is wanted; in those processes, what to be.

    For a process that has one thread.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork():
        theirs.close()
        return ForkServer(ours)
    ours.close()
    # Ctrl-C is for who has forked it.
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    os.close(quiet)
    if not theirs.recv(1, socket.MSG_PEEK):
        os._exit(0)
    load()
    return serve(theirs)
