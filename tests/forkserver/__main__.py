"""``python -m tests.forkserver FD``: a fork server for who has the other end of socket FD."""

import socket
import sys

from .identity import become
from .order import Order
from .server import serve
from .services import load


def main() -> None:
    load()
    become(_next_order(int(sys.argv[1])))


def _next_order(descriptor: int) -> Order:
    # By the time this has returned no frame holds the socket, which is closed in the child.
    return serve(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main()
