"""A forked process becomes what ``python`` with these arguments would be."""

import atexit
import ctypes
import faulthandler
import os
import resource
import runpy
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from .order import Order

SERVICES = ("auth_service", "apikey_service", "chat_service", "notes_service", "gateway")

# Of the command line and of the environment, bytes that other ones may have.
_ROOM = 1000, 30_000
# Where the interpreter, the loader and libraries look while they are loaded.
_READ_AT_START = (
    "AIOHTTP_", "GLIBC_", "GRPC_", "LD_", "MALLOC_", "MULTIDICT_", "OPENSSL_", "OTEL_",
    "PROMETHEUS_", "PROTOCOL_BUFFERS_", "PSYCOPG_", "PYDANTIC_", "PYTHON", "UVLOOP_", "YARL_",
)  # fmt: skip


# Of these the one that has its effect here as well.
_FAULTS = "PYTHONFAULTHANDLER"


class EnvironmentReadAtStart(Exception):
    """A variable that has no effect on a forked process: such a start is one for exec."""


def roomy(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """The command and environment of a fork server, whose children can show theirs in its place."""
    command, variables = _ROOM
    return _command(arguments, command), {**environment, "ROOM": "-" * variables}


def become(order: Order) -> NoReturn:
    """Do what the order's module does as ``__main__``, and end as that does."""
    _check(order.environment)
    if order.environment.get(_FAULTS):
        faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, resource.prlimit(order.parent, resource.RLIMIT_CORE))
    if order.new_session:
        os.setsid()
    os.chdir(order.directory)
    # Out of the memory that is written on next, before anybody looks for a variable there.
    os.environ.clear()
    _show(order.arguments, order.environment)
    os.environ.update(order.environment)
    time.tzset()
    option, module, *words = order.arguments
    assert option == "-m"
    if module in SERVICES:
        _forget_metrics_of_others(module)
    sys.argv = ["-m", *words]
    sys.orig_argv = [sys.executable, *order.arguments]
    # A test may have imported it, of which runpy warns.
    sys.modules.pop(f"{module}.__main__", None)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if isinstance(ended.code, str):
            raise
        _end(ended.code or 0)
    _end(0)


def _end(code: int) -> NoReturn:
    """As the interpreter does, but for freeing each object, which takes 0.3 s where tests are loaded."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()
    os._exit(code)


def _check(environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if name == _FAULTS:
            continue
        if name.startswith(_READ_AT_START) and os.environ.get(name) != value:
            raise EnvironmentReadAtStart(name)


def _show(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """In ``/proc/self``, which shows the memory where Linux has put both at the exec."""
    places = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[45:49]
    command_at, command_end, variables_at, variables_end = map(int, places)
    room = command_end - command_at - len(_packed(_command(arguments, 0)))
    command = _packed(_command(arguments, room))
    variables = _packed([f"{name}={value}" for name, value in environment.items()])
    size = variables_end - variables_at
    if room < 0 or len(variables) > size:
        raise ValueError("the fork server has no room to show a command or environment so long")
    ctypes.memmove(command_at, command, len(command))
    ctypes.memmove(variables_at, variables.ljust(size, b"\0"), size)


def _command(arguments: Sequence[str], room: int) -> list[str]:
    return [sys.executable, "-X", f"room={'-' * room}", *arguments]


def _packed(words: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _forget_metrics_of_others(service: str) -> None:
    found = {
        value
        for name, loaded in sys.modules.items()
        if (package := name.partition(".")[0]) in SERVICES and package != service
        for value in vars(loaded).values()
        if isinstance(value, MetricWrapperBase)
    }
    for metric in found:
        # What stands for one set of labels of a metric is not registered by itself.
        with suppress(KeyError):
            REGISTRY.unregister(metric)
