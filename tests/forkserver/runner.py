"""``python -m tests.forkserver.runner``: the runner, whose services are forked from itself."""

from parley_local.__main__ import main as run

from .forked import fork_a_server
from .identity import become
from .order import Order
from .processes import Starter


def main() -> None:
    started = fork_a_server()
    if isinstance(started, Order):
        become(started)
    else:
        run(Starter(started).start)


if __name__ == "__main__":
    main()
