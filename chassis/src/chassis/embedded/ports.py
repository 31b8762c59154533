"""Free ports on the loopback interface."""

import errno
import random
import socket
from pathlib import Path

_EPHEMERAL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST = 10240
_ATTEMPTS = 200
# A port is free until its server listens: this process gives none to two of them.
_given: set[int] = set()


def _ephemeral_start() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 32768


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port of ``host`` that nothing listens on now, another one at each call.

    It lies below the range that outgoing connections are given: while a server is away its
    clients knock at its port again and again, and one that was given that very port as its own
    would connect to itself and keep the server out.
    """
    highest = _ephemeral_start() - 1
    if highest - _LOWEST < 1000:
        with socket.socket() as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
            return port
    for _ in range(_ATTEMPTS):
        port = random.randint(_LOWEST, highest)
        if port not in _given and is_free(port, host):
            _given.add(port)
            return port
    raise OSError(f"no free port on {host} between {_LOWEST} and {highest}")


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
