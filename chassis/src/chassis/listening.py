"""Addresses to listen on, and what to say where one cannot be had."""

import errno
import socket

from chassis.settings import ServiceSettings, UnusableSetting, variable_of


def cannot_listen(
    settings: ServiceSettings, host: str, port: str, error: OSError
) -> UnusableSetting:
    """What ``error`` means, for the fields of ``settings`` that are called ``host`` and ``port``."""
    number = getattr(settings, port)
    # asyncio's and socket's own additions stand in brackets behind.
    said = (error.strerror or str(error)).partition(" (")[0]
    if error.errno == errno.EADDRINUSE:
        return UnusableSetting(
            variable_of(type(settings), port), f"port {number} is taken by another program"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return UnusableSetting(variable_of(type(settings), port), f"port {number}: {said}")
    # getaddrinfo's own errors, and addresses that are no interface's.
    return UnusableSetting(
        variable_of(type(settings), host), f"not an address to listen on here: {said}"
    )


def listen(settings: ServiceSettings, host: str, port: str, *, backlog: int) -> socket.socket:
    """A socket that listens where these two fields say. Raises UnusableSetting."""
    address = str(getattr(settings, host))
    try:
        return socket.create_server(
            (address, int(getattr(settings, port))),
            family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            backlog=backlog,
        )
    except OSError as error:
        raise cannot_listen(settings, host, port, error) from None
