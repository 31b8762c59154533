"""What a head must be before anything is made of it: https://www.rfc-editor.org/rfc/rfc9112

The parser refuses what cannot be read (bare CR, folded lines, two lengths). Here is what it reads all
the same: versions that are not served, hosts that are missing or doubled, targets of other forms,
transfer codings that nobody undoes.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address

from gateway.refusals import (
    InvalidHost,
    Misdirected,
    NotHttp,
    TransferCodingUnknown,
    VersionNotSupported,
)

Headers = list[tuple[bytes, bytes]]

_VERSIONS = frozenset({"1.1", "1.0"})
# Of two values one reader would take the first and another the last.
_SINGLE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"origin",
        b"sec-websocket-key",
        b"sec-websocket-version",
    }
)
# A name as DNS or a container network has them, an IPv4 address, or an IPv6 address in brackets.
# RFC 3986 would allow a comma, which is what two fields are joined by.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]+|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """A head that is good. ``target`` is a path with its query, or ``*``; ``authority`` the host that an
    absolute target named. ``length`` is the body's, None for one in chunks.
    """

    version: str
    target: bytes
    authority: bytes | None
    fields: dict[bytes, bytes]
    length: int | None

    @property
    def is_encoded(self) -> bool:
        """Whether the body has a content coding."""
        coding = self.fields.get(b"content-encoding", b"").strip().lower()
        return coding not in (b"", b"identity")


def read_head(version: str, method: str, scheme: str, target: bytes, headers: Headers) -> Head:
    """The head as it is meant. ``scheme`` is the connection's.

    Raises InvalidHost, Misdirected, NotHttp, TransferCodingUnknown, VersionNotSupported.
    """
    fields = fields_of(headers)
    check_version(version, fields)
    length = None if is_chunked(fields) else int(fields.get(b"content-length", 0))
    target, authority = origin_form(target, method, scheme)
    return Head(version, target, authority, fields, length)


def fields_of(headers: Headers) -> dict[bytes, bytes]:
    """The value of each field; of one that comes in several lines the values, joined by commas.

    Raises InvalidHost and NotHttp for a field that comes twice and may not.
    """
    fields = dict(headers)
    if len(fields) == len(headers):
        return fields
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        if name not in joined:
            joined[name] = value
        elif name == b"host":
            raise InvalidHost()
        elif name in _SINGLE:
            raise NotHttp()
        else:
            joined[name] += b", " + value
    return joined


def tokens(value: bytes | None) -> list[bytes]:
    """The members of a field's list, in lower case."""
    return [] if value is None else [token.strip().lower() for token in value.split(b",")]


def check_version(version: str, fields: dict[bytes, bytes]) -> None:
    """Raises VersionNotSupported, InvalidHost, NotHttp for chunks of a client of HTTP/1.0."""
    if version not in _VERSIONS:
        raise VersionNotSupported()
    host = fields.get(b"host")
    if host is None:
        if version == "1.1":
            raise InvalidHost()
    elif not is_host(host):
        raise InvalidHost()
    if version == "1.0" and b"transfer-encoding" in fields:
        raise NotHttp()


def is_chunked(fields: dict[bytes, bytes]) -> bool:
    """Whether the body comes in chunks.

    Raises NotHttp if its end could not be told, and TransferCodingUnknown for codings beneath chunks.
    """
    if b"transfer-encoding" not in fields:
        return False
    *beneath, last = tokens(fields[b"transfer-encoding"])
    if last != b"chunked":
        raise NotHttp()
    if beneath:
        raise TransferCodingUnknown()
    return True


def is_host(value: bytes) -> bool:
    """Whether ``value`` is a host with or without a port."""
    found = _HOST.fullmatch(value)
    if found is None:
        return False
    if found[1] is None:
        return True
    try:
        IPv6Address(found[1].decode())
    except ValueError:
        return False
    return True


def origin_form(target: bytes, method: str, scheme: str) -> tuple[bytes, bytes | None]:
    """Path and query of ``target``, or ``*``; and the authority it names, which outranks Host's.

    Raises NotHttp, and Misdirected if it is of another scheme than the connection: RFC 9110, 7.4.
    """
    if b"#" in target:
        raise NotHttp()
    if target.startswith(b"/"):
        return target, None
    if target == b"*":
        if method != "OPTIONS":
            raise NotHttp()
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not is_host(absolute[2]):
        raise NotHttp()
    if absolute[1].decode().lower() != scheme:
        raise Misdirected()
    rest = absolute[3]
    if not rest.startswith(b"/"):
        # RFC 9112, 3.2.4: asked without a path, it is the server itself.
        rest = b"*" if not rest and method == "OPTIONS" else b"/" + rest
    return rest, absolute[2]
