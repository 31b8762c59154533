"""Where a provider is reached: the syntax of a base URL.

Syntax alone. Whether the address may be connected to is decided where the connection is
made, for a name can mean another address by then.
"""

import re
from ipaddress import AddressValueError, IPv6Address

# RFC 3986 without userinfo, query and fragment. A host is a name, dotted numbers or an IPv6
# address in brackets: no percent-encoding, nothing but ASCII.
_BASE_URL = re.compile(
    r"""(?P<scheme>https?)://
        (?P<host>[A-Z0-9._-]{1,253} | \[(?P<ipv6>[0-9A-F:.]{2,45})\])
        (?: :(?P<port>[0-9]{1,5}) )?
        (?P<path>(?: / (?: [A-Z0-9._~!$&'()*+,;=:@-] | %[0-9A-F]{2} )* )*)
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


def normalise_base_url(text: str) -> str | None:
    """``text`` in the form it is stored in, or None if it is not a base URL.

    A base URL is absolute, ``http`` or ``https``, has a host, and neither userinfo nor query
    nor fragment. Scheme and host become lower case, slashes at the end go.
    """
    parts = _BASE_URL.fullmatch(text)
    if parts is None or not parts["host"].strip("."):
        return None
    if parts["ipv6"] is not None and not _is_ipv6(parts["ipv6"]):
        return None
    if parts["port"] is not None and not 1 <= int(parts["port"]) <= 65535:
        return None
    authority = parts["host"].lower()
    if parts["port"] is not None:
        authority += f":{int(parts['port'])}"
    return f"{parts['scheme'].lower()}://{authority}{parts['path'].rstrip('/')}"


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
