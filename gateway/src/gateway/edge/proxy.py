"""Who the client is when proxies stand in between: only configured ones are believed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import Scope

Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The networks whose X-Forwarded-For and X-Forwarded-Proto count."""

    def __init__(self, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)

    def client_of(self, scope: Scope) -> tuple[str, str]:
        """Address and scheme of the client that ``scope`` came from.

        Read from the right, X-Forwarded-For names the peers of our proxies one by one; the
        first that is not ours is the client. What stands further left, anybody may have
        written.
        """
        peer = scope["client"][0] if scope["client"] else ""
        scheme = scope["scheme"]
        if not self._networks or not self._is_ours(_parse(peer)):
            return peer, scheme
        hops: list[str] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                hops.extend(value.decode("latin-1").split(","))
            elif name == b"x-forwarded-proto":
                offered = value.decode("latin-1").strip().lower()
                scheme = offered if offered in ("http", "https") else scheme
        client = peer
        for hop in reversed(hops):
            address = _parse(hop)
            if address is None:
                break
            client = str(address)
            if not self._is_ours(address):
                break
        return client, scheme

    def _is_ours(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _parse(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
