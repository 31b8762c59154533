"""One reading of the URL of a server: in its normal form, or refused with a reason."""

import pytest

from chassis.server_url import BadServerUrl, parse_host, parse_server_url


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://api.deepseek.com", "https://api.deepseek.com"),
        ("https://api.deepseek.com///", "https://api.deepseek.com"),
        ("HTTPS://API.Example.COM:8443/V1//", "https://api.example.com:8443/V1"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
        ("http://localhost:080/v1", "http://localhost:80/v1"),
        ("http://model_server:4000", "http://model_server:4000"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("https://x.example/a%20b/~me;v=1", "https://x.example/a%20b/~me;v=1"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://xn--80akhbyknj4f", "https://xn--80akhbyknj4f"),
        ("https://xn--strae-oqa.example", "https://xn--strae-oqa.example"),
        ("http://1.2.3.4.example", "http://1.2.3.4.example"),
        ("http://r3---sn-apo3.example", "http://r3---sn-apo3.example"),
        (f"http://{'a' * 63}.example", f"http://{'a' * 63}.example"),
        (f"http://{'a.' * 126}a", f"http://{'a.' * 126}a"),
        ("http://[::ffff:8.8.8.8]", "http://[::ffff:8.8.8.8]"),
        ("http://x.example:65535", "http://x.example:65535"),
    ],
)
def test_a_url_has_a_normal_form(text: str, normal: str) -> None:
    assert str(parse_server_url(text)) == normal
    assert parse_server_url(normal) == parse_server_url(text)


def test_the_parts_of_a_url() -> None:
    url = parse_server_url("HTTPS://[2001:DB8::1]:08443/V1//")
    assert (url.scheme, url.host, url.port, url.path) == ("https", "2001:db8::1", 8443, "/V1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.openai.com/v1",
        "//api.openai.com/v1",
        "/v1",
        "https:/api.openai.com",
        "https://",
        "https:///v1",
        "ftp://example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "httpſ://example.com",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://user:@[::1]",
        "https://good.example\\@evil.example",
        "https://good.example\\.evil.example",
        "https://good.example:80\\@evil.example",
        "https://example.com/v1?key=1",
        "https://example.com/v1?",
        "https://example.com?",
        "https://example.com/v1#",
        "https://example.com:80:80/",
        "https://example.com/a b",
        "https://example.com/\x00",
        "https://example.com/%zz",
        "https://example.com/\\v1",
        "https://[::1",
        "https://[::1]x",
        "https://::1/",
    ],
)
def test_what_is_no_url_of_a_server_is_refused(text: str) -> None:
    assert _reason(f"{text}") == "INVALID_URL"


HOSTS = [
    ".",
    "..",
    ".localhost",
    "localhost.",
    "example.com.",
    "a..b",
    "127.0.0.1.",
    "0177.0.0.1",
    "127.000.000.001",
    "127.0.0.01",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f.1",
    "0x7f000001",
    "0x",
    "1.2.3.4.5",
    "256.0.0.1",
    "1.2.3.-4",
    "x.example.1",
    "x.example.0x1",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "bücher.example",
    "loc­alhost",
    "Kelvin.example",
    "%31%32%37.0.0.1",
    "example.com%00",
    "127.0.0.1%25eth0",
    "exa mple.com",
    "example.com\n",
    "\texample.com",
    "exam\x00ple.com",
    "a,b",
    "a;b",
    "a*b",
    "-a.example",
    "a-.example",
    f"{'a' * 64}.example",
    f"{'a.' * 126}aa",
    "xn--",
    "xn--a",
    "xn--a.example",
    "xn--example-.com",
    "xn--99999999999.example",
    "xn--XN--0.example",
    "xn--v8jxjq9kb.xn--",
    "[]",
    "[1.2.3.4]",
    "[fe80::1%eth0]",
    "[fe80::1%25eth0]",
    "[::ffff:1.2.3]",
    "[::ffff:01.2.3.4]",
    "[v1.x]",
    "[1::2::3]",
    "[:::1]",
    "[12345::1]",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_two_parsers_may_read_differently_is_refused(host: str) -> None:
    assert _reason(f"https://{host}/v1") == "INVALID_HOST"
    assert _reason(f"https://{host}:8443") == "INVALID_HOST"


@pytest.mark.parametrize("meant", ["１２７", "Über", "loc­alhost", "a。b"])
def test_punycode_of_what_idna_would_map_to_something_else_is_refused(meant: str) -> None:
    label = f"xn--{meant.encode('punycode').decode()}".lower()
    assert _reason(f"http://{label}.example") == "INVALID_HOST"


@pytest.mark.parametrize("port", ["", "0", "00000", "65536", "99999", "100000", "-1", "٨٠"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert _reason(f"https://example.com:{port}/v1") == "INVALID_PORT"


def test_a_host_by_itself_is_read_in_the_same_way() -> None:
    assert parse_host("Models.Internal") == "models.internal"
    assert parse_host("[::1]") == "::1"
    for host in ("models.internal.", "http://x", "10.0.0.0/8", "a:80", ""):
        with pytest.raises(BadServerUrl):
            parse_host(host)


def _reason(text: str) -> str:
    with pytest.raises(BadServerUrl) as refused:
        parse_server_url(text)
    return refused.value.reason
