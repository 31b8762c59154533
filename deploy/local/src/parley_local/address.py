"""Where the gateway is to listen: whether it can, and who reaches it there."""

import errno
from ipaddress import ip_address

from chassis.embedded.ports import problem_with


class CannotStart(Exception):
    """Something outside must change first; the message is for the terminal."""


def check_address(host: str, port: int) -> None:
    """Raise CannotStart unless the gateway can listen there."""
    error = problem_with(port, host)
    if error is None:
        return
    if error.errno == errno.EADDRINUSE:
        raise CannotStart(
            f"port {port} of {host} is taken by another program.\nStop that one, or choose"
            f" another port: GATEWAY_PORT={another_port(port)} make run"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        raise CannotStart(f"settings: GATEWAY_PORT: port {port}: {error.strerror}")
    raise CannotStart(f"settings: GATEWAY_HOST: not an address to listen on here: {error.strerror}")


def another_port(port: int) -> int:
    """One to offer in place of ``port``, far enough for what is beside it."""
    return port + 10 if port <= 65525 else port - 10


def is_loopback(host: str) -> bool:
    """Whether what listens at ``host`` is reached from this machine alone, for certain."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
