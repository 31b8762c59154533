"""Free ports on the loopback interface."""

import errno
import os
import random
import socket
from collections import deque
from contextlib import suppress
from pathlib import Path

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10240
_ATTEMPTS = 200
# A port is free until its server listens, and other processes look for ports meanwhile. A socket
# that is bound and does not listen keeps them off: a server binds beside it, as both say that
# they reuse addresses, and this search does not. The oldest of so many are let go.
_RESERVED = 64
_reserved: deque[int] = deque()
# A server that has been stopped may come back to its port: this process gives it to no other.
_given: set[int] = set()


def _ephemeral_start() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of ``host`` that nothing listens on now, another one at each call.

    No other process that asks here as well is given it until this one has asked for 64 more.

    It lies below the range that outgoing connections are given: while a server is away its clients
    knock at its port again and again, and one that was given that very port as its own would
    connect to itself and keep the server out.
    """
    highest = _ephemeral_start() - 1
    if highest - _LOWEST < 1000:
        return _reserve(0, host)
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, highest)
        if port not in _given:
            with suppress(OSError):
                return _reserve(port, host)
    raise OSError(f"no free port on {host} between {_LOWEST} and {highest}")


def _reserve(port: int, host: str) -> int:
    """The port, or one of the system's choice for 0. Raises OSError where it is not free."""
    reserved = socket.socket()
    try:
        reserved.bind((host, port))
        # From here on, and not before: nobody who also asks for it had it.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        reserved.close()
        raise
    number: int = reserved.getsockname()[1]
    _given.add(number)
    if is_free(number, host):
        _reserved.append(reserved.detach())
        if len(_reserved) > _RESERVED:
            os.close(_reserved.popleft())
    else:
        # Not on Linux: a server could not bind beside it.
        reserved.close()
    return number


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on ``port`` of ``host`` now."""
    return problem_with(port, host) is None


def problem_with(port: int, host: str = "127.0.0.1") -> OSError | None:
    """What keeps a server from listening on ``port`` of ``host`` now, if anything does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do: connections that linger in TIME_WAIT are in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
        except OverflowError:
            return OSError(errno.EINVAL, "no port has this number")
        except UnicodeError:
            return OSError(errno.EINVAL, "no host can have this name")
        return None
