"""Addresses to listen on, and what to say where one cannot be had."""

import errno
import socket
from contextlib import suppress

from chassis.settings import ServiceSettings, UnusableSetting, variable_of


class _Taken(UnusableSetting):
    """Another program listens there; this one might, if it were gone."""


def cannot_listen(
    settings: ServiceSettings, host: str, port: str, error: OSError
) -> UnusableSetting:
    """What ``error`` means, for the fields of ``settings`` that are called ``host`` and ``port``."""
    number = getattr(settings, port)
    # asyncio's and socket's own additions stand in brackets behind.
    said = (error.strerror or str(error)).partition(" (")[0]
    if error.errno == errno.EADDRINUSE:
        return _Taken(
            variable_of(type(settings), port), f"port {number} is taken by another program"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return UnusableSetting(variable_of(type(settings), port), f"port {number}: {said}")
    # getaddrinfo's own errors, and addresses that are no interface's.
    return UnusableSetting(
        variable_of(type(settings), host), f"not an address to listen on here: {said}"
    )


def listen(settings: ServiceSettings, host: str, port: str, *, backlog: int) -> socket.socket:
    """A socket that listens where these two fields say. Raises UnusableSetting.

    A name is looked up, and IPv4 preferred; ``0.0.0.0`` and ``::`` are every address of a kind.
    """
    try:
        family, address = _resolve(getattr(settings, host))
        return socket.create_server(
            (address, getattr(settings, port)), family=family, backlog=backlog
        )
    except OSError as error:
        raise cannot_listen(settings, host, port, error) from None


def check_addresses(settings: ServiceSettings) -> None:
    """Raise UnusableSetting unless this machine has every address that ``settings`` listen at.

    That a port is taken is no fault of theirs: most likely by the very service that they are of.
    """
    for host, port in settings.listens_at:
        with suppress(_Taken):
            listen(settings, host, port, backlog=1).close()


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    """Raises OSError."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError:
        # A label that is empty or too long never comes to a name server.
        raise OSError(errno.EINVAL, "no host can have this name") from None
    family, _, _, _, place = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, str(place[0])
