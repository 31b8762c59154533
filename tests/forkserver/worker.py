"""``python -m tests.forkserver.worker``: what execnet has ``python -c`` do, a worker of pytest-xdist.

Its fork server is forked from it before it has any thread: nearly all that services load is loaded.
"""

import logging
import sys

import structlog

from .forked import fork_a_server
from .identity import become
from .order import Order
from .processes import use
from .services import load


def _load() -> None:
    load()
    # The tests' own logs are configured by now.
    logging.getLogger().handlers.clear()
    structlog.reset_defaults()


def main() -> None:
    started = fork_a_server(_load)
    if isinstance(started, Order):
        become(started)
    use(started)


if __name__ == "__main__":
    main()
    # The first line says what to be; the rest is for that to read.
    exec(eval(sys.stdin.readline()))
