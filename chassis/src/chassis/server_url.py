"""The URL of a server that somebody named: one reading of it, for whoever keeps and whoever calls it.

Syntax alone, on the standard library alone. A host that two parsers could read differently is
refused, whatever it means to either of them: what was checked must be what is connected to.
Whether an address may be connected to is decided where the connection is made, for a name can
mean another address by then.
"""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

# RFC 3986 without fragment. The authority is everything up to the path, as every parser of URLs
# sees it, and is looked at by itself.
_URL = re.compile(
    r"""(?P<scheme>https?)://
        (?P<authority>[^/?#]*)
        (?P<path>(?: / (?: [A-Z0-9._~!$&'()*+,;=:@-] | %[0-9A-F]{2} )* )*)
        (?: \? (?P<query>(?: [A-Z0-9._~!$&'()*+,;=:@/?-] | %[0-9A-F]{2} )*) )?
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_AUTHORITY = re.compile(r"(?P<host>\[[^][@\\]*\]|[^][:@\\]*)(?::(?P<port>[^][:@\\]*))?")
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_IPV6 = re.compile(r"[0-9a-f:.]{2,45}", re.ASCII)
_OCTET = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
# Underscores are no part of a host name by RFC 1123, and of many a container's.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# What the URL standard takes for the end of an IPv4 address: 127.1, 0x7f.1, 2130706433.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_HOST_CHARACTERS = 253
_PUNYCODE = "xn--"
# Beside letters, marks and digits: RFC 5892, exceptions and CONTEXTO.
_ALSO_IN_NAMES = "-\u00b7\u0375\u05f3\u05f4\u30fb"


class BadServerUrl(ValueError):
    """``reason``: ``INVALID_URL``, ``INVALID_HOST`` or ``INVALID_PORT``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A URL in its normal form, which ``str`` gives.

    ``scheme`` is ``http`` or ``https``; ``host`` a name or an address in lower case, IPv6
    without its brackets; ``port`` None where none was given; ``path`` has no slash at its end;
    ``query`` is what stands behind the question mark, empty if nothing does.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str = ""

    def __str__(self) -> str:
        return self.at("")

    def at(self, path: str) -> str:
        """The URL of what lies at ``path`` below: the query goes behind it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{host}{port}{self.path}{path}{query}"


def parse_server_url(text: str, *, query: bool = False) -> ServerUrl:
    """The server and the path that ``text`` names; raises BadServerUrl.

    It is absolute, ``http`` or ``https``, and has neither userinfo nor fragment; a query only where
    ``query`` lets it have one.
    """
    parts = _URL.fullmatch(text)
    authority = None if parts is None else _AUTHORITY.fullmatch(parts["authority"])
    if parts is None or authority is None or not parts["authority"]:
        raise BadServerUrl("INVALID_URL")
    if parts["query"] is not None and not query:
        raise BadServerUrl("INVALID_URL")
    host = parse_host(authority["host"])
    port = authority["port"]
    if port is not None and not (_PORT.fullmatch(port) and 1 <= int(port) <= 65535):
        raise BadServerUrl("INVALID_PORT")
    return ServerUrl(
        parts["scheme"].lower(),
        host,
        None if port is None else int(port),
        parts["path"].rstrip("/"),
        parts["query"] or "",
    )


def parse_host(text: str) -> str:
    """The host of a URL, lower case and without brackets; raises BadServerUrl.

    It is IPv6 in brackets and without a zone; IPv4 as four decimal numbers without leading
    zeros; or a name of ASCII labels of 1 to 63 characters, 253 in all, without a dot at its end.
    A label in Punycode stands for characters that IDNA leaves as they are.
    """
    host = text.lower() if text.isascii() else ""
    if host.startswith("["):
        host = host[1:-1]
        is_good = _is_ipv6(host)
    else:
        labels = host.split(".")
        if _NUMBER.fullmatch(labels[-1]):
            is_good = len(labels) == 4 and all(
                _OCTET.fullmatch(label) and int(label) <= 255 for label in labels
            )
        else:
            is_good = len(host) <= _HOST_CHARACTERS and all(map(_is_label, labels))
    if not is_good:
        raise BadServerUrl("INVALID_HOST")
    return host


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return _IPV6.fullmatch(text) is not None


def _is_label(label: str) -> bool:
    if not _LABEL.fullmatch(label):
        return False
    if not label.startswith(_PUNYCODE):
        return True
    try:
        meant = label.removeprefix(_PUNYCODE).encode().decode("punycode")
        spelled = meant.encode("punycode").decode()
    except (UnicodeError, ValueError, OverflowError):
        return False
    # What a parser might map to something else (full-width digits, capitals, invisible
    # characters, other dots), or might spell differently, names two hosts.
    return (
        not meant.isascii()
        and spelled == label.removeprefix(_PUNYCODE)
        and unicodedata.normalize("NFKC", meant).lower() == meant
        and all(
            unicodedata.category(character)[0] in "LMN" or character in _ALSO_IN_NAMES
            for character in meant
        )
    )
