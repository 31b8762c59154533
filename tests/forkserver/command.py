"""``python -m tests.forkserver.command``: a service's command, which goes on in this process."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from parley_local.command import main as command

from .identity import become
from .order import Order


def main() -> None:
    command(_go_on)


def _go_on(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    become(Order(arguments, environment, str(Path.cwd()), os.getppid(), 0, new_session=False))


if __name__ == "__main__":
    main()
