"""Whom a client's address stands for, where something is counted by address."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

# What one customer of a provider is given: of its addresses there is no end.
_IPV6_PREFIX = 64


@lru_cache(maxsize=4096)
def subject_of(address: str) -> str:
    """``address``, or the network of 64 bits that an IPv6 address is in; any other text as it is."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _IPV6_PREFIX), strict=False))
