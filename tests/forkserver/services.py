"""What the services and the runner load by the time they serve."""

import gc
import importlib

from .identity import SERVICES

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


def load() -> None:
    """Import all of that; the processes that are forked from then on share it."""
    # The end-to-end tests know the services by their programs' names alone.
    for name in (*(f"{service}.wiring" for service in SERVICES), *_BESIDE):
        importlib.import_module(name)
    gc.collect()
    # Else each child's collector would write on, and so copy, every page of them.
    gc.freeze()
