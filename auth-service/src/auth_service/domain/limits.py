"""Rate limits: how often something may be tried, and which subject an attempt counts against."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

_TEN_MINUTES = timedelta(minutes=10)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)

# An end user has at least a /64 of IPv6: all of its addresses count as one client.
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``most`` attempts in any stretch of time of this ``length``."""

    most: int
    length: timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be done as often as every one of ``windows`` admits; ``scope`` is its name."""

    scope: str
    windows: tuple[Window, ...]

    @property
    def memory(self) -> timedelta:
        """How long an attempt matters."""
        return max(window.length for window in self.windows)


# By purpose and e-mail address, across resends.
GUESS = Limit("guess", (Window(5, _TEN_MINUTES), Window(20, _DAY)))
# By client's address, or by user where there is one.
GUESS_FROM = Limit("guess_from", (Window(50, _HOUR),))
# By purpose and e-mail address.
SEND = Limit("send", (Window(3, _TEN_MINUTES), Window(10, _DAY)))
SEND_FROM = Limit("send_from", (Window(20, _HOUR),))
# Failures alone, by what was typed as a name.
LOGIN = Limit("login", (Window(10, _TEN_MINUTES),))
# In place of that one where the account was logged in of late: by name and network. So whoever
# guesses from elsewhere does not lock the owner out.
LOGIN_FAMILIAR = Limit("login_familiar", (Window(10, _TEN_MINUTES),))
LOGIN_FROM = Limit("login_from", (Window(100, _TEN_MINUTES),))


# By user: each deleted one stays on every process's revocation list for hours.
TOKEN = Limit("token", (Window(100, _HOUR),))
# Failures alone, by user: what somebody who is logged in takes for the password.
PASSWORD = Limit("password", (Window(10, _TEN_MINUTES),))


def log_ins(an_hour: int) -> Limit:
    """The limit on log-ins by what was typed as a name, good ones too: each costs a hash."""
    return Limit("login_any", (Window(an_hour, _HOUR),))


def registrations(an_hour: int) -> Limit:
    """The limit on registrations by client's address, whatever becomes of them."""
    return Limit("register_from", (Window(an_hour, _HOUR),))


def send_all(an_hour: int) -> Limit:
    """The limit on what is sent to everybody together."""
    return Limit("send_all", (Window(an_hour, _HOUR),))


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


# By user: changes of what they say of themselves, whether or not they come to anything.
PROFILE = Limit("profile", (Window(60, _HOUR),))

# By user: changes of their settings, each of which is an entry in the audit log.
SETTINGS = Limit("settings", (Window(300, _HOUR),))
