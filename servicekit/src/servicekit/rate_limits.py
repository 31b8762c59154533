"""Rate limits: how often something may be tried, and which subject an attempt counts against.

What is counted is kept in `servicekit.counters`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

# An end user has at least a /64 of IPv6: all of its addresses count as one client.
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class RateWindow:
    """At most ``most`` attempts in any stretch of time of this ``length``."""

    most: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be done as often as every one of ``windows`` admits; ``scope`` is its name."""

    scope: str
    windows: tuple[RateWindow, ...]

    @property
    def memory(self) -> timedelta:
        """How long an attempt matters."""
        return max(window.length for window in self.windows)


def seconds_to_wait(limit: Limit, hits: Sequence[datetime], now: datetime) -> int:
    """Whole seconds, one at least, until ``limit`` admits another attempt after ``hits``."""
    longest = timedelta()
    for window in limit.windows:
        recent = sorted(hit for hit in hits if hit > now - window.length)
        if len(recent) >= window.most:
            longest = max(longest, recent[-window.most] + window.length - now)
    return max(1, math.ceil(longest.total_seconds()))


def network_of(ip: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one.

    Text that is no address is one client as well, whatever it says.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), _IPV6_PREFIX), strict=False))
    return str(address)
