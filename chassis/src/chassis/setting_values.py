"""Values of settings that have a form of their own: lists, targets, networks, URLs with a secret.

What they raise are ValueErrors for pydantic, whose texts show nothing of the value.
"""

import json
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, Literal
from urllib.parse import parse_qs

from pydantic import AfterValidator, BeforeValidator


def entries(text: str) -> list[object]:
    """The entries of a list that is written with commas, or as JSON."""
    if not text.lstrip().startswith("["):
        return [entry.strip() for entry in text.split(",") if entry.strip()]
    try:
        entries: list[object] = json.loads(text)
    except ValueError:
        raise ValueError(
            "it begins with [ and is no JSON; an IPv6 address is written without brackets"
        ) from None
    return entries


def _one_target(target: str) -> str:
    # "dns:///host:port", "ipv4:1.2.3.4:1,5.6.7.8:2", "unix:path": gRPC's own names.
    if re.fullmatch(r"(dns|ipv4|ipv6|unix):.+", target):
        return target
    host, _, port = target.rpartition(":")
    if not host or not is_port(port):
        raise ValueError("it is host:port")
    return target


def is_port(text: str) -> bool:
    """Whether ``text`` is a number that a port can have."""
    return text.isascii() and text.isdigit() and 0 < int(text) <= 65535


#: Where a service's gRPC is: ``host:port``, or a target as gRPC spells it.
Target = Annotated[str, AfterValidator(_one_target)]

_LevelName = Literal["debug", "info", "warning", "error", "critical"]
LogLevel = Annotated[_LevelName, BeforeValidator(lambda name: str(name).lower())]


def one_network(value: object) -> IPv4Network | IPv6Network:
    """The network that a text such as ``10.0.0.1`` or ``fd00::/8`` names."""
    try:
        return ip_network(str(value))
    except ValueError:
        raise ValueError(
            "not a network such as 10.0.0.1 or 10.1.0.0/16, of which nothing follows the mask"
        ) from None


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(one_network)]


# As SQLAlchemy, nats-py and redis-py take it: passwords need not be quoted but for "@".
_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?:(?P<name>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<place>[^?]+)(?:\?(?P<options>.*))?"
)
# Behind the last colon, which in "[::1]" is not one of a port.
_PORT: Final = re.compile(r":([^:\]]*)$")
# One name or address; an IPv6 address in its brackets.
_HOST: Final = re.compile(r"[^\s\[\]:,/]+|\[[0-9A-Fa-f:.]+(%\w+)?\]")


def check_secret_url(
    url: str, like: str, schemes: tuple[str, ...], *, token: bool = False, certificate: str = ""
) -> None:
    """Raise ValueError, saying nothing of it, if ``url`` is not ``like`` that, or has no secret.

    What counts is a password; with ``token`` also a name that stands for one, and with
    ``certificate`` an option by that name: the file of a client certificate.
    """
    found = _URL.fullmatch(url)
    if found is None or found["scheme"] not in schemes:
        raise ValueError(f"not {like}")
    place = found["place"].partition("/")[0]
    port = _PORT.search(place)
    if port is not None and not is_port(port[1]):
        raise ValueError(f"its port is none from 1 to 65535: not {like}")
    host = place if port is None else place[: port.start()]
    # PostgreSQL's may be an option: the folder of its socket.
    elsewhere = not place and "host" in parse_qs(found["options"] or "")
    if not (elsewhere or _HOST.fullmatch(host)):
        raise ValueError(f"its host is none, or more than one: not {like}")
    if (found["password"] or "").strip() or (token and found["password"] is None and found["name"]):
        return
    if not (certificate and parse_qs(found["options"] or "").get(certificate)):
        raise ValueError(f"without a password: not {like}")
