"""``python -m tests.forkserver FD``: a fork server for who has the other end of socket FD."""

import gc
import importlib
import socket
import sys

from .identity import SERVICES, become
from .order import Order
from .server import serve

# What the programs load on top of that by the time they serve.
_BESIDE = (
    "parley_local.__main__",
    "parley_local.command",
    "parley_local.model_server.server",
    "tests.forkserver.processes",
    "chassis.db.provision",
    "chassis.db.migrate",
    "alembic.command",
    "uvloop",
)


def main() -> None:
    # The end-to-end tests know the services by their programs' names alone.
    for name in (*(f"{service}.wiring" for service in SERVICES), *_BESIDE):
        importlib.import_module(name)
    gc.collect()
    # Else each child's collector would write on, and so copy, every page of them.
    gc.freeze()
    become(_next_order(int(sys.argv[1])))


def _next_order(descriptor: int) -> Order:
    # By the time this has returned no frame holds the socket, which is closed in the child.
    return serve(socket.socket(fileno=descriptor))


if __name__ == "__main__":
    main()
