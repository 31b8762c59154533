"""Addresses that are not the public internet's.

A list of our own, since Python's ``is_global`` and its like say different things from one patch
release to the next. Sources, as of 2026-11 (the newest entry is of RFC 9780): IANA's special-purpose
address registries (RFC 6890) for IPv4 and IPv6, whole, entries that call themselves globally
reachable included: nobody's model server is an anycast address of a protocol; IANA's IPv4 and IPv6 address space registries for
multicast, class E and what was unicast once; and one address of a cloud that is public in form.

Of IPv6, 2000::/3 alone is unicast of the internet (RFC 4291, RFC 3513): everything else is
refused, whether it is listed or not. An address that carries an IPv4 address inside (mapped,
translated, compatible, NAT64 of the well-known prefixes, 6to4, Teredo, ISATAP) may lead anywhere,
and is refused whatever it carries. A NAT64 prefix of a network's own cannot be told from any
other address.
"""

from bisect import bisect_right
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPV4 = (
    "0.0.0.0/8",  # this network, RFC 791
    "10.0.0.0/8",  # private use, RFC 1918
    "100.64.0.0/10",  # shared address space, RFC 6598; metadata of a cloud
    "127.0.0.0/8",  # loopback, RFC 1122
    "168.63.129.16/32",  # the host of an Azure machine: metadata and certificates
    "169.254.0.0/16",  # link local, RFC 3927; metadata of most clouds
    "172.16.0.0/12",  # private use, RFC 1918
    "192.0.0.0/24",  # protocol assignments, RFC 6890: DS-Lite, NAT64 discovery, anycasts
    "192.0.2.0/24",  # TEST-NET-1, RFC 5737
    "192.31.196.0/24",  # AS112, RFC 7535
    "192.52.193.0/24",  # AMT, RFC 7450
    "192.88.99.0/24",  # relays of 6to4, deprecated, RFC 7526; 6a44, RFC 6751
    "192.168.0.0/16",  # private use, RFC 1918
    "192.175.48.0/24",  # AS112, RFC 7534
    "198.18.0.0/15",  # benchmarking, RFC 2544
    "198.51.100.0/24",  # TEST-NET-2, RFC 5737
    "203.0.113.0/24",  # TEST-NET-3, RFC 5737
    "224.0.0.0/4",  # multicast, RFC 5771
    "240.0.0.0/4",  # class E, RFC 1112, and the limited broadcast, RFC 919
)

IPV6 = (
    "::/128",  # unspecified, RFC 4291
    "::1/128",  # loopback, RFC 4291
    "::/96",  # IPv4-compatible, deprecated, RFC 4291
    "::ffff:0:0/96",  # IPv4-mapped, RFC 4291
    "::ffff:0:0:0/96",  # IPv4-translated, RFC 2765
    "64:ff9b::/96",  # NAT64, RFC 6052
    "64:ff9b:1::/48",  # NAT64 of a network's own, RFC 8215
    "100::/64",  # discard only, RFC 6666
    "100:0:0:1::/64",  # dummy prefix, RFC 9780
    "2001::/23",  # protocol assignments, RFC 2928, with all that follow
    "2001::/32",  # Teredo, RFC 4380
    "2001:1::1/128",  # PCP anycast, RFC 7723
    "2001:1::2/128",  # TURN anycast, RFC 8155
    "2001:1::3/128",  # DNS-SD registration anycast, RFC 9665
    "2001:2::/48",  # benchmarking, RFC 5180
    "2001:3::/32",  # AMT, RFC 7450
    "2001:4:112::/48",  # AS112, RFC 7535
    "2001:10::/28",  # ORCHID, deprecated, RFC 4843
    "2001:20::/28",  # ORCHIDv2, RFC 7343
    "2001:30::/28",  # drone remote identifiers, RFC 9374
    "2001:db8::/32",  # documentation, RFC 3849
    "2002::/16",  # 6to4, RFC 3056
    "2620:4f:8000::/48",  # AS112, RFC 7534
    "3fff::/20",  # documentation, RFC 9637
    "5f00::/16",  # segment routing identifiers, RFC 9602
    "fc00::/7",  # unique local, RFC 4193
    "fe80::/10",  # link local, RFC 4291
    "fec0::/10",  # site local, deprecated, RFC 3879
    "ff00::/8",  # multicast, RFC 4291
)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
# The upper half of an interface identifier that holds an IPv4 address, RFC 5214.
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)


class _Blocks:
    """Ranges of addresses as numbers, in order, those that touch put together."""

    def __init__(self, blocks: list[tuple[int, int]]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(blocks):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __contains__(self, address: int) -> bool:
        at = bisect_right(self._firsts, address) - 1
        return at >= 0 and address <= self._lasts[at]


def _range(network: IPv4Network | IPv6Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


_IPV4_BLOCKS = _Blocks([_range(IPv4Network(block)) for block in IPV4])
_FIRST_UNICAST, _LAST_UNICAST = _range(_GLOBAL_UNICAST)
_IPV6_BLOCKS = _Blocks(
    [
        *(_range(IPv6Network(block)) for block in IPV6),
        (0, _FIRST_UNICAST - 1),
        (_LAST_UNICAST + 1, 2**128 - 1),
    ]
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether ``address`` is one of the public internet's, by itself and not by translation."""
    number = int(address)
    if isinstance(address, IPv4Address):
        return number not in _IPV4_BLOCKS
    return number not in _IPV6_BLOCKS and (number >> 32) & 0xFFFF_FFFF not in _ISATAP
