"""Which addresses a provider may have.

A base URL is a user's word, so a connection goes to public addresses alone, unless the
operator opened an address range or a host by name. The check sits where the socket is made:
the address that was checked is the one connected to, whatever names resolve to.
"""

import ipaddress
import socket
from collections.abc import Sequence

from chassis.server_url import BadServerUrl, parse_host
from chat_service.providers.special_purpose import is_public

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressForbidden(OSError):
    """A provider's name or URL leads to an address that is not open to it."""


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
