"""Which addresses a provider may have.

A base URL is a user's word, so a connection goes to public addresses alone, unless the
operator opened an address range or a host by name. The check sits where the socket is made:
the address that was checked is the one connected to, whatever names resolve to.
"""

import ipaddress
import socket
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Addresses that carry an IPv4 address inside, and so may lead anywhere; Python calls some of
# them global. NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), IPv4-compatible (RFC 4291).
_TRANSLATED = tuple(
    ipaddress.IPv6Network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96")
)


class AddressForbidden(OSError):
    """A provider's name or URL leads to an address that is not open to it."""


def is_public(address: Address) -> bool:
    """Whether ``address`` is one of the public internet's, by itself and not by translation."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


class AddressPolicy:
    """The operator's opinion: public addresses, and what ``allowed`` opens besides.

    ``allowed`` holds networks (``127.0.0.0/8``), addresses and host names.
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        for entry in allowed:
            try:
                self._networks.append(ipaddress.ip_network(entry))
            except ValueError:
                self._hosts.add(entry.lower().rstrip("."))

    def opens_host(self, host: str) -> bool:
        """Whether the operator opened this name, wherever it leads."""
        return host.lower().rstrip(".") in self._hosts

    def admits(self, address: str) -> bool:
        """Whether a connection to this address may be made."""
        parsed = ipaddress.ip_address(address.partition("%")[0])
        return is_public(parsed) or any(parsed in network for network in self._networks)

    def make_socket(
        self,
        info: tuple[
            socket.AddressFamily | int, socket.SocketKind | int, int, str, tuple[object, ...]
        ],
    ) -> socket.socket:
        """A socket for ``info`` (as ``getaddrinfo`` gives it); raises AddressForbidden."""
        family, kind, protocol, _, address = info
        if not self.admits(str(address[0])):
            raise AddressForbidden("the address is not open to providers")
        return socket.socket(family, kind, protocol)
