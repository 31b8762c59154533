"""Where a connection may lead, and the one spelling in which it is kept."""

from typing import Any

import pytest

from apikey_service.operators.addresses import LoggedAddressRules
from apikey_service.usecases.base_url import normal_base_url
from chassis.errors import FieldError

Person = Any

CLOSED = LoggedAddressRules((), setting="APIKEY_ALLOWED_HOSTS")
FORBIDDEN = "PROVIDER_ADDRESS_FORBIDDEN"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        (" HTTPS://API.OpenAI.com/v1/ ", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1///", "https://api.openai.com/v1"),
        ("https://api.openai.com", "https://api.openai.com"),
        ("https://api.openai.com/", "https://api.openai.com"),
        ("https://api.openai.com?", "https://api.openai.com"),
        ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/chat/completions/", "https://api.openai.com/v1"),
        ("https://a.example/chat/completions", "https://a.example"),
        ("https://a.example/my/chat/completions/x", "https://a.example/my/chat/completions/x"),
        ("https://a.example/v1/Chat/Completions", "https://a.example/v1/Chat/Completions"),
        ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com"),
        ("https://proxy.example/anthropic/v1/messages/", "https://proxy.example/anthropic"),
        ("https://a.example/messages", "https://a.example/messages"),
        (
            "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-06-01",
            "https://r.openai.azure.com/openai/deployments/d?api-version=2024-06-01",
        ),
        ("https://a.example/v1/?a=b/&c=%2F?d", "https://a.example/v1?a=b/&c=%2F?d"),
        ("https://a.example/v1?keyboard=de&tokens=5", "https://a.example/v1?keyboard=de&tokens=5"),
        ("https://a.example:443/V1/~x", "https://a.example:443/V1/~x"),
        ("https://a.example/xai-proxy-service/v1", "https://a.example/xai-proxy-service/v1"),
        ("https://a.example/sk-demo-7/v1", "https://a.example/sk-demo-7/v1"),
        (
            "https://a.example/v1/0123456789abcdef0123456789abcdef/gateway/openai",
            "https://a.example/v1/0123456789abcdef0123456789abcdef/gateway/openai",
        ),
        ("https://a.example?@127.0.0.1/", "https://a.example?@127.0.0.1/"),
        ("https://a.example//v1", "https://a.example//v1"),
        ("http://8.8.8.8:1/v1", "http://8.8.8.8:1/v1"),
        ("http://[2606:4700:4700::1111]/v1", "http://[2606:4700:4700::1111]/v1"),
        # What a name leads to is not known yet: it is judged where it is connected to.
        ("http://localhost:8001/v1", "http://localhost:8001/v1"),
        ("http://metadata.google.internal", "http://metadata.google.internal"),
    ],
)
def test_a_base_url_is_kept_in_one_spelling(given: str, kept: str) -> None:
    assert normal_base_url(given, CLOSED) == (kept, [])
    assert normal_base_url(kept, CLOSED) == (kept, [])


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "REQUIRED"),
        ("https://a.example/#", "INVALID_URL"),
        ("https://a.example/v1#x", "INVALID_URL"),
        ("https://a.example/v1?x#y", "INVALID_URL"),
        ("https://u@a.example", "INVALID_URL"),
        ("https://u:p@a.example", "INVALID_URL"),
        ("https://a.example\\@evil.example", "INVALID_URL"),
        ("https://a.example/?a b", "INVALID_URL"),
        ("https://a.example/?\nx", "INVALID_URL"),
        ("https://a.example/?é", "INVALID_URL"),
        ("https://a.example/?%", "INVALID_URL"),
        ("https://a.example/?%zz", "INVALID_URL"),
        ("https://a.example/..", "INVALID_URL"),
        ("https://a.example/v1/../admin", "INVALID_URL"),
        ("https://a.example/v1/./x", "INVALID_URL"),
        ("https://a.example/v1/%2e%2E/x", "INVALID_URL"),
        ("https://a.example/.%2e", "INVALID_URL"),
        ("https://a.example/v1/..%2f..", "INVALID_URL"),
        ("https://a.example/..%5Cx", "INVALID_URL"),
        ("https://a.example/v1?key=AIzaSyA0000000000000000000000000000000", "SECRET_IN_URL"),
        ("https://a.example/v1?api-version=1&subscription-key=0123456789abcdef", "SECRET_IN_URL"),
        ("https://a.example/v1?API_KEY=x", "SECRET_IN_URL"),
        ("https://a.example/v1?api%5Fkey=x", "SECRET_IN_URL"),
        ("https://a.example/v1?%6Bey=x", "SECRET_IN_URL"),
        ("https://a.example/v1?access_token=x", "SECRET_IN_URL"),
        ("https://a.example/v1?code=x", "SECRET_IN_URL"),
        ("https://a.example/v1?sv=1&sig=x%2F", "SECRET_IN_URL"),
        ("https://a.example/v1?x=sk-0123456789abcdef", "SECRET_IN_URL"),
        ("https://a.example/sk-abcdefghijklmnopqrstuvwxyz123456/v1", "SECRET_IN_URL"),
        ("https://a.example/v1/sk-or-v1-abcdef0123456789abcdef0123456789", "SECRET_IN_URL"),
        ("https://a.example/p/gsk_abcdefghijklmnopqrstuvwxyz0123456789", "SECRET_IN_URL"),
        ("https://a.example/AIzaSyA0000000000000000000000000000000/v1", "SECRET_IN_URL"),
        ("//a.example", "INVALID_URL"),
        ("http:/8.8.8.8", "INVALID_URL"),
        ("http:8.8.8.8", "INVALID_URL"),
        ("http:///8.8.8.8", "INVALID_URL"),
        ("https:\\\\8.8.8.8", "INVALID_URL"),
        ("http://\\8.8.8.8", "INVALID_URL"),
        ("ht\ttp://8.8.8.8", "INVALID_URL"),
        ("dict://8.8.8.8", "INVALID_URL"),
        ("blob:http://8.8.8.8", "INVALID_URL"),
        ("http+unix://%2ftmp", "INVALID_URL"),
        ("data:text/plain,x", "INVALID_URL"),
        ("https://a.example/v1|x", "INVALID_URL"),
        ("https://a.example/v1/é", "INVALID_URL"),
        ("https://a.example/{id}", "INVALID_URL"),
        ("https://a.example:+80", "INVALID_PORT"),
        ("https://a.example:８０", "INVALID_PORT"),
        ("https://a.example:0x50", "INVALID_PORT"),
        ("https://a.example:1e2", "INVALID_PORT"),
        ("a.example", "INVALID_URL"),
        ("file:///etc/passwd", "INVALID_URL"),
        ("gopher://a.example", "INVALID_URL"),
        ("https:///v1", "INVALID_URL"),
        ("https://?x", "INVALID_URL"),
        ("https://a.example:0", "INVALID_PORT"),
        ("https://a.example:65536", "INVALID_PORT"),
        ("https://a.example:", "INVALID_PORT"),
        ("https://a..example", "INVALID_HOST"),
        ("https://a.example.", "INVALID_HOST"),
        ("https://a.example/\x00", "INVALID_CHARACTER"),
        ("https://a.example/" + "x" * 500, "TOO_LONG"),
    ],
)
def test_what_is_no_base_url_or_has_two_readings_is_refused(given: str, reason: str) -> None:
    _, errors = normal_base_url(given, CLOSED)
    assert [(error.field, error.reason) for error in errors] == [("base_url", reason)]


# Each of them leads, for some parser, to an address that nobody has opened.
HOSTILE = {
    # As they are.
    "127.0.0.1": FORBIDDEN,
    "127.1.2.3": FORBIDDEN,
    "0.0.0.0": FORBIDDEN,
    "0.1.2.3": FORBIDDEN,
    "10.0.0.1": FORBIDDEN,
    "100.64.0.1": FORBIDDEN,
    "100.100.100.200": FORBIDDEN,
    "168.63.129.16": FORBIDDEN,
    "169.254.169.254": FORBIDDEN,
    "172.16.0.1": FORBIDDEN,
    "172.31.255.255": FORBIDDEN,
    "192.0.0.192": FORBIDDEN,
    "192.168.1.1": FORBIDDEN,
    "198.18.0.1": FORBIDDEN,
    "224.0.0.1": FORBIDDEN,
    "255.255.255.255": FORBIDDEN,
    # IPv6, and IPv4 inside of it.
    "[::]": FORBIDDEN,
    "[::1]": FORBIDDEN,
    "[0:0:0:0:0:0:0:1]": FORBIDDEN,
    "[0000:0000:0000:0000:0000:0000:0000:0001]": FORBIDDEN,
    "[::ffff:127.0.0.1]": FORBIDDEN,
    "[::FFFF:7F00:1]": FORBIDDEN,
    "[::ffff:169.254.169.254]": FORBIDDEN,
    "[::ffff:8.8.8.8]": FORBIDDEN,
    "[::ffff:0:127.0.0.1]": FORBIDDEN,
    "[::127.0.0.1]": FORBIDDEN,
    "[64:ff9b::7f00:1]": FORBIDDEN,
    "[64:ff9b::169.254.169.254]": FORBIDDEN,
    "[64:ff9b:1::1]": FORBIDDEN,
    "[2002:7f00:1::]": FORBIDDEN,
    "[2001:0:808:808:0:0:80ff:fffe]": FORBIDDEN,
    "[2a00:1450::5efe:a00:1]": FORBIDDEN,
    "[fc00::1]": FORBIDDEN,
    "[fd00:ec2::254]": FORBIDDEN,
    "[fe80::1]": FORBIDDEN,
    "[fec0::1]": FORBIDDEN,
    "[ff02::1]": FORBIDDEN,
    "[2001:db8::1]": FORBIDDEN,
    # Zones.
    "[fe80::1%eth0]": "INVALID_HOST",
    "[fe80::1%25eth0]": "INVALID_HOST",
    "[::1%1]": "INVALID_HOST",
    # Numbers that some parser takes for an address.
    "2130706433": "INVALID_HOST",
    "017700000001": "INVALID_HOST",
    "0x7f000001": "INVALID_HOST",
    "0x7F.1": "INVALID_HOST",
    "0177.0.0.1": "INVALID_HOST",
    "0177.0.0.01": "INVALID_HOST",
    "127.0.0.0x1": "INVALID_HOST",
    "0x7f.0.0.1": "INVALID_HOST",
    "127.1": "INVALID_HOST",
    "127.0.1": "INVALID_HOST",
    "10.1": "INVALID_HOST",
    "0": "INVALID_HOST",
    "1": "INVALID_HOST",
    "127.000.000.001": "INVALID_HOST",
    "127.0.0.1.": "INVALID_HOST",
    "127.0.0.256": "INVALID_HOST",
    "127.0.0.1.1": "INVALID_HOST",
    "a.1": "INVALID_HOST",
    "a.0x1": "INVALID_HOST",
    "169.254.43518": "INVALID_HOST",
    "2852039166": "INVALID_HOST",
    "4294967296": "INVALID_HOST",
    # Other scripts and signs.
    "１２７.０.０.１": "INVALID_HOST",
    "127。0。0。1": "INVALID_HOST",
    "127．0．0．1": "INVALID_HOST",
    "①②⑦.0.0.1": "INVALID_HOST",
    "١٢٧.0.0.1": "INVALID_HOST",
    "127.0.0.1\u200b": "INVALID_HOST",
    "loc\u00adalhost": "INVALID_HOST",
    "ｌｏｃａｌｈｏｓｔ": "INVALID_HOST",
    "xn--127-0-0-1": "INVALID_HOST",
    "xn--": "INVALID_HOST",
    "localhost.": "INVALID_HOST",
    # Brackets and escapes.
    "[127.0.0.1]": "INVALID_HOST",
    "[::1": "INVALID_URL",
    "::1": "INVALID_URL",
    "[[::1]]": "INVALID_URL",
    "[::1]x": "INVALID_URL",
    "127.0.0.1%00.example": "INVALID_HOST",
    "%31%32%37.0.0.1": "INVALID_HOST",
    "127%2e0%2e0%2e1": "INVALID_HOST",
    "127.0.0.1 ": "INVALID_HOST",
    "127.0.0.1\t": "INVALID_HOST",
    "127.0.0.1\\.example": "INVALID_URL",
    "example@127.0.0.1": "INVALID_URL",
    "127.0.0.1:80:80": "INVALID_URL",
    # Ranges that are nobody's, or of this machine's provider.
    **dict.fromkeys(
        (
            *("192.0.2.1", "198.51.100.1", "203.0.113.7", "192.88.99.1", "192.31.196.1"),
            *("192.52.193.1", "192.175.48.1", "198.19.255.255", "233.252.0.1", "239.255.255.250"),
            *("240.0.0.1", "100.127.255.255", "0.0.0.1", "169.254.170.2", "169.254.169.123"),
            *("192.0.0.8", "192.0.0.170", "127.0.0.1:080", "127.0.0.1:0080"),
            *("[::ffff:0:0]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::1.2.3.4]", "[64:ff9b::a00:1]"),
            *("[64:ff9b:1:ffff::1]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::]", "[2001::1]"),
            *("[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:10::1]", "[2001:20::1]"),
            *("[3fff::1]", "[5f00::1]", "[100::1]", "[100:0:0:1::1]", "[ff0e::1]", "[febf::1]"),
            *("[::ffff:a9fe:a9fe]", "[fd00:ec2::23]", "[fd20:ce::254]", "[2620:4f:8000::1]"),
        ),
        FORBIDDEN,
    ),
    # What is no address, and some parser's all the same.
    **dict.fromkeys(
        (
            *("[::%31]", "[1::2::3]", "[12345::]", "[:::1]", "[::1::]", "[v1.fe80::a]", "[]"),
            *("0xA9FEA9FE", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "012.0.0.1", "0x"),
            *("00.00.00.00", "0x.0x.0x.0x", "127.0.0.1.0x", "256.256.256.256", "4294967295"),
            *("127.0.0.1..", "..127.0.0.1", ".", "a-.example", "-a.example", "xn--a"),
            *("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "localhoſt", "127｡0｡0｡1", "example。com", "bücher.example", "⑯⑨。②⑤④"),
            *("127.0.0.1%20", "127.0.0.1%0a", "127.0.0.1\n", "127.0.0.1\r\nHost: x", "a\tb", "a b"),
            *("127.0.0.1\u2028", "\ufeff127.0.0.1", "127.0.0.1\u202e", "127.0.0.1\x0b"),
            *("%6c%6f%63%61%6c%68%6f%73%74", "[fe80::1%25]", "metadata.google.internal."),
        ),
        "INVALID_HOST",
    ),
    **dict.fromkeys(
        (
            *("[::1]:80@a.example", "a.example%2f@127.0.0.1", "127.0.0.1#@a.example"),
            *("a.example#@127.0.0.1", "a.example:80@127.0.0.1", "127.0.0.1:80@a.example"),
            *("@127.0.0.1", ":@127.0.0.1", "a.example\\.127.0.0.1", "127.0.0.1/\\@a.example"),
            *("%5b::1%5d", "[::1%5d"),
        ),
        "INVALID_URL",
    ),
    "127.0.0.1?@a.example": FORBIDDEN,
    "127.0.0.1:-1": "INVALID_PORT",
    "127.0.0.1:99999": "INVALID_PORT",
}


@pytest.mark.parametrize("host", HOSTILE)
def test_no_spelling_of_a_closed_address_is_kept(host: str) -> None:
    # Not stripped: the blank is part of the host here.
    _, errors = normal_base_url(f"http://{host}/v1", CLOSED)
    assert errors == [FieldError("base_url", HOSTILE[host])]


def test_there_are_many_of_them() -> None:
    assert len(HOSTILE) >= 180


def test_what_the_operator_has_opened_is_kept() -> None:
    opened = LoggedAddressRules(("127.0.0.0/8", "fd00::/8", "10.1.2.3"), setting="X")
    for host in ("127.0.0.1", "[fd00::1]", "10.1.2.3"):
        assert normal_base_url(f"http://{host}:1", opened) == (f"http://{host}:1", [])
    for host in ("10.1.2.4", "[::ffff:127.0.0.1]", "[::1]"):
        _, errors = normal_base_url(f"http://{host}:1", opened)
        assert errors == [FieldError("base_url", FORBIDDEN)]


async def test_a_closed_address_is_refused_with_its_field_and_the_operator_told_which_setting_opens_it(
    ada: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = ("VALIDATION", [FieldError("base_url", FORBIDDEN)])
    whole = {"name": "n", "api_key": "k", "model": "m"}
    url = "http://169.254.169.254/latest"
    assert await ada.refused("CreateKey", base_url=url, **whole) == refused
    key = await ada.create()
    capsys.readouterr()
    assert await ada.refused("UpdateKey", id=key.id, base_url=url, api_key="k") == refused
    told = [line for line in capsys.readouterr().out.splitlines() if "address_refused" in line]
    assert len(told) == 1
    assert "169.254.169.254" in told[0]
    assert "APIKEY_ALLOWED_HOSTS" in told[0]


async def test_a_base_url_with_the_key_itself_is_refused_when_it_is_kept_and_changed(
    ada: Person,
) -> None:
    refused = ("VALIDATION", [FieldError("base_url", "SECRET_IN_URL")])
    api_key = "0123-a+key/of-no-shape"
    whole = {"name": "n", "api_key": api_key, "model": "m"}
    key = await ada.create()
    for path in (f"/{api_key}/v1", "/0123-a%2Bkey%2Fof-no-shape", f"/v1?x={api_key}"):
        url = f"https://a.example{path}"
        assert await ada.refused("CreateKey", base_url=url, **whole) == refused
        assert await ada.refused("UpdateKey", id=key.id, base_url=url, api_key=api_key) == refused
    # A word is none, and a host is not its path.
    await ada.create(name="word", api_key="lm-studio", base_url="https://a.example/lm-studio/v1")
    await ada.create(
        name="host", api_key="a-long.word.example", base_url="https://a-long.word.example/v1"
    )
