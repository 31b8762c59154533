"""Which addresses a server may have that a user names.

A URL is a user's word, so a connection goes to public addresses alone, unless the operator opened
an address range or a host by name. The check sits where the socket is made: the address that was
checked is the one connected to, whatever names resolve to. Whoever keeps a URL can refuse before
that what is an address already, and judges no name: what it resolves to can change.
"""

import ipaddress
import socket
from collections.abc import Sequence

from chassis.public_addresses import is_public
from chassis.server_url import BadServerUrl, parse_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressForbidden(OSError):
    """A server's name or URL leads to an address that is not open to users."""


class AddressPolicy:
    """The operator's opinion: public addresses, and what ``allowed`` opens besides.

    ``allowed`` holds networks (``127.0.0.0/8``), addresses and host names. Raises ValueError for
    an entry that is none of these: nothing may be thought open, or closed, that is not.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        for entry in allowed:
            try:
                self._networks.append(ipaddress.ip_network(entry))
            except ValueError:
                try:
                    self._hosts.add(parse_host(entry))
                except BadServerUrl:
                    raise ValueError(
                        f"{entry!r} is neither a network, such as 10.0.0.0/8, nor a host"
                    ) from None

    def opens_host(self, host: str) -> bool:
        """Whether the operator opened this host by its name, wherever it leads."""
        return host in self._hosts

    def admits(self, address: str) -> bool:
        """Whether a connection to this address may be made; not, if it is none."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return is_public(parsed) or any(parsed in network for network in self._networks)

    def refuses(self, host: str) -> bool:
        """Whether ``host``, as ``parse_host`` gives it, is an address that is closed; of a name that
        is not known before it is connected to.
        """
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return not (self.opens_host(host) or self.admits(host))

    def is_operators(self, host: str) -> bool:
        """Whether ``host``, as ``parse_host`` gives it, is open by the operator's word: by its name,
        or as an address in one of the networks.
        """
        try:
            parsed = ipaddress.ip_address(host)
        except ValueError:
            return self.opens_host(host)
        return any(parsed in network for network in self._networks) or self.opens_host(host)

    def make_socket(
        self,
        info: tuple[
            socket.AddressFamily | int, socket.SocketKind | int, int, str, tuple[object, ...]
        ],
    ) -> socket.socket:
        """A socket for ``info`` (as ``getaddrinfo`` gives it); raises AddressForbidden."""
        family, kind, protocol, _, address = info
        if not self.admits(str(address[0])):
            raise AddressForbidden("the address is not open to users")
        return socket.socket(family, kind, protocol)
