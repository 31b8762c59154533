"""Which background jobs a process has, and which of them run."""

import gc
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from chassis.one_task import OneTask


def jobs_not_running(package: str, *others: type[OneTask]) -> set[str]:
    """The names of the classes of background jobs in ``package``, and of ``others``, of which none runs in this process.

    A job that is made and handed to nobody who starts it is one of them, as is one that nobody makes.
    """
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    wanted = {
        one for one in _subclasses(OneTask) if one.__module__.startswith(f"{package}.")
    } | set(others)
    running = {
        type(one) for one in gc.get_objects() if issubclass(type(one), OneTask) and one.is_running
    }
    return {one.__name__ for one in wanted - running}


def _subclasses(base: Any) -> Iterator[Any]:
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)
