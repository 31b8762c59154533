"""Base URLs that lead, for some parser or by some resolver, to an address that nobody has opened.

One table, by kind, for whoever keeps a URL and whoever calls it: each row is a URL, with ``{port}`` where
the port of a canary goes, and the reason that it is refused for when it is to be kept; None where that can
be known no earlier than when it is called.
"""

from collections.abc import Iterable
from typing import Final

FORBIDDEN: Final = "PROVIDER_ADDRESS_FORBIDDEN"
_URL, _HOST, _PORT = "INVALID_URL", "INVALID_HOST", "INVALID_PORT"

_Rows = dict[str, str | None]


def _hosts(reason: str | None, *hosts: str) -> _Rows:
    return {f"http://{host}:{{port}}/v1": reason for host in hosts}


def _urls(reason: str | None, *urls: str) -> _Rows:
    return dict.fromkeys(urls, reason)


#: By kind: of each URL the reason for which it is not kept, if that can be known.
HOSTILE_URLS: Final[dict[str, _Rows]] = {
    "loopback": _hosts(FORBIDDEN, "127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "0.0.0.0", "0.0.0.1", "0.1.2.3"),
    "private and shared networks": _hosts(FORBIDDEN, "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1.1", "100.64.0.1", "100.127.255.255"),
    "metadata of clouds": _hosts(
        FORBIDDEN, "169.254.169.254", "169.254.170.2", "169.254.169.123", "168.63.129.16", "100.100.100.200",
        "192.0.0.192", "[fd00:ec2::254]", "[fd00:ec2::23]", "[fd20:ce::254]", "[::ffff:169.254.169.254]", "[2002:a9fe:a9fe::]",
    ),
    "nobody's networks": _hosts(
        FORBIDDEN, "192.0.0.8", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.175.48.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.7", "240.0.0.1", "255.255.255.255",
    ),
    "multicast": _hosts(FORBIDDEN, "224.0.0.1", "233.252.0.1", "239.255.255.250", "[ff02::1]", "[ff0e::1]"),
    "IPv6": _hosts(
        FORBIDDEN, "[::]", "[::1]", "[0000::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]",
        "[fc00::1]", "[fd00::1]", "[fe80::1]", "[febf::1]", "[fec0::1]", "[100::1]", "[100:0:0:1::1]",
        "[2001:db8::1]", "[2001:10::1]", "[2001:20::1]", "[2620:4f:8000::1]", "[3fff::1]", "[5f00::1]",
    ),
    "IPv4 in IPv6": _hosts(
        FORBIDDEN,
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:7F00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0:0]",
        "[::ffff:0.0.0.0]", "[::ffff:a9fe:a9fe]", "[::ffff:8.8.8.8]",  # mapped
        "[::127.0.0.1]", "[::7f00:1]", "[::1.2.3.4]",  # compatible
        "[::ffff:0:127.0.0.1]",  # translated
        "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a00:1]", "[64:ff9b::169.254.169.254]",  # NAT64
        "[64:ff9b:1::1]", "[64:ff9b:1::7f00:1]", "[64:ff9b:1:ffff::1]",  # NAT64 of a network's own
        "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2002:a00:1::1]",  # 6to4
        "[2001:0:7f00:1::]", "[2001::1]", "[2001:0:808:808:0:0:80ff:fffe]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",  # Teredo
        "[2a00:1450::5efe:a00:1]", "[2a00:1450::200:5efe:7f00:1]", "[2a00:1450::5efe:127.0.0.1]",  # ISATAP
    ),
    "zones": _hosts(_HOST, "[fe80::1%eth0]", "[fe80::1%25eth0]", "[fe80::1%25]", "[fe80::1%lo]", "[::1%1]", "[::1%25lo]"),
    "decimal": _hosts(_HOST, "2130706433", "2852039166", "4294967295", "4294967296", "0", "1"),
    "hexadecimal": _hosts(_HOST, "0x7f000001", "0xA9FEA9FE", "0x7f.1", "0x7F.1", "0x7f.0.0.1", "0x7F.0x0.0x0.0x1", "0xa9.0xfe.0xa9.0xfe", "0x", "0x.0x.0x.0x", "a.0x1"),
    "octal": _hosts(_HOST, "017700000001", "0177.0.0.1", "0177.0.0.01", "0177.1", "0251.0376.0251.0376", "012.0.0.1", "127.0.0.01", "127.000.000.001", "00.00.00.00"),
    "short and mixed": _hosts(_HOST, "127.1", "127.0.1", "10.1", "169.254.43518", "127.0x1", "127.0.0x1", "127.0.0.0x1", "127.0.0.1.0x", "a.1"),
    "no address": _hosts(_HOST, "127.0.0.256", "256.256.256.256", "127.0.0.1.1", "127.0.0.1..", "..127.0.0.1", "."),
    "a dot at the end": _hosts(_HOST, "127.0.0.1.", "localhost.", "metadata.google.internal."),
    "other digits, letters and dots": _hosts(
        _HOST, "１２７.0.0.1", "１２７.０.０.１", "①②⑦.0.0.1", "①②⑦.⓪.⓪.①", "⑯⑨。②⑤④", "١٢٧.0.0.1",
        "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "example。com",
        "ｌｏｃａｌｈｏｓｔ", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localhoſt", "loc\u00adalhost", "bücher.example",
    ),
    "Punycode": _hosts(_HOST, "xn--", "xn--a", "xn--127-0-0-1", "xn--localhost-.example"),
    "what is not seen": _hosts(
        _HOST, "127.0.0.1\u200b", "127.0.0.1\u2028", "127.0.0.1\u202e", "\ufeff127.0.0.1", "127.0.0.1 ", "127.0.0.1\t", "127.0.0.1\n",
        "127.0.0.1\x0b", "a\tb", "a b",
    ),
    "characters of control": {
        **_hosts("INVALID_CHARACTER", "127.0.0.1\x00", "a.example\x00127.0.0.1"),
        **_hosts(_URL, "127.0.0.1\r\nHost: x", "127.0.0.1/\r\nHost: x"),
    },
    "percent": _hosts(
        _HOST, "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%6c%6f%63%61%6c%68%6f%73%74", "lo%63alhost", "127.0.0.1%00.example",
        "127.0.0.1%00", "127.0.0.1%0a", "127.0.0.1%20", "127.0.0.1%2f", "127.0.0.1%23", "[::%31]",
    ),
    "labels": _hosts(_HOST, "a-.example", "-a.example", "a..example", "a;127.0.0.1", "127.0.0.1;.example", "127.0.0.1,a.example"),
    "brackets": {
        **_hosts(_HOST, "[127.0.0.1]", "[]", "[1::2::3]", "[12345::]", "[:::1]", "[::1::]", "[v1.fe80::a]"),
        **_hosts(_URL, "[::1", "::1", "[[::1]]", "[::1]x", "[::1].", "[::1%5d", "%5b::1%5d"),
    },
    "userinfo": _hosts(
        _URL, "user@127.0.0.1", "a:b@127.0.0.1", "example.com@127.0.0.1", "a.example:80@127.0.0.1", "@127.0.0.1", ":@127.0.0.1",
        "a.example%2f@127.0.0.1", "[::1]:80@a.example", "127.0.0.1:80@a.example", "a.example;@127.0.0.1", "a@b@127.0.0.1",
    ),
    "backslashes": _hosts(
        _URL, "127.0.0.1\\@a.example", "a.example\\@127.0.0.1", "127.0.0.1\\.example", "a.example\\.127.0.0.1", "127.0.0.1/\\@a.example",
        "\\127.0.0.1",
    ),
    "queries and fragments": {
        **_hosts(_URL, "127.0.0.1#@a.example", "a.example#@127.0.0.1", "127.0.0.1#", "127.0.0.1?#"),
        **_hosts(FORBIDDEN, "127.0.0.1?@a.example", "127.0.0.1/?@a.example", "127.0.0.1/;@a.example"),
    },
    "ports": {
        **_urls(_PORT, *(f"http://127.0.0.1:{port}/v1" for port in ("0", "00000", "-1", "+80", "65536", "99999", "4294967376", "0x50", "８０", "80 ", ""))),
        **_urls(_URL, "http://127.0.0.1:{port}:80/v1", "http://[::1]:80:{port}/v1"),
        **_urls(FORBIDDEN, "http://127.0.0.1:080/v1", "http://127.0.0.1:0080/v1"),
    },
    "schemes": {
        **_urls(FORBIDDEN, *(f"{scheme}://{host}:{{port}}/v1" for scheme in ("HTTP", "https", "hTTpS") for host in ("127.0.0.1", "[::1]"))),
        **_urls(_URL, *(f"{scheme}://127.0.0.1:{{port}}/v1" for scheme in (
            "ftp", "file", "gopher", "dict", "ldap", "ws", "wss", "http+unix", "unix", "jar:http", "blob:http", "javascript", "httpſ", "ht\ttp", "http\n",
        ))),
        **_urls(_URL, "file:///etc/passwd", "data:text/plain,x", "http+unix://%2frun%2fx.sock/v1"),
    },
    "slashes": _urls(
        _URL, "http://", "//127.0.0.1:{port}", "127.0.0.1:{port}", "http:127.0.0.1:{port}", "http:/127.0.0.1:{port}", "http:///127.0.0.1:{port}",
        "http:\\\\127.0.0.1:{port}", "/\\127.0.0.1:{port}",
    ),
    # By a resolver that leads all of them to loopback.
    "names": _hosts(
        None, "localhost", "LOCALHOST", "LocalHost", "localhost.localdomain", "a.localhost", "ip6-localhost", "localtest.me",
        "127.0.0.1.nip.io", "7f000001.nip.io", "127-0-0-1.sslip.io", "spoofed.burpcollaborator.example", "kubernetes.default.svc", "host.docker.internal",
        "gateway.docker.internal", "xn--bcher-kva.example", "under_score.example",
    ),
    "names of metadata": _hosts(
        None, "metadata", "metadata.google.internal", "METADATA.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal",
        "metadata.tencentyun.com", "metadata.azure.internal", "metadata.platformequinix.com",
    ),
}  # fmt: skip


def every_hostile_url(port: int) -> Iterable[tuple[str, str | None]]:
    """All of the table, with ``port`` as the canary's."""
    for rows in HOSTILE_URLS.values():
        for url, reason in rows.items():
            yield url.replace("{port}", str(port)), reason
