"""Where a connection may lead, and the one spelling in which it is kept."""

from typing import Any

import pytest

from apikey_service.operators.addresses import LoggedAddressRules
from apikey_service.usecases.base_url import normal_base_url
from chassis.errors import FieldError
from chassis.testing.hostile_urls import FORBIDDEN, HOSTILE_URLS

Person = Any

CLOSED = LoggedAddressRules((), setting="APIKEY_ALLOWED_HOSTS")


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


@pytest.mark.parametrize("kind", HOSTILE_URLS)
def test_what_is_known_to_lead_to_a_closed_address_is_not_kept(kind: str) -> None:
    for text, reason in HOSTILE_URLS[kind].items():
        _, errors = normal_base_url(text.replace("{port}", "43210"), CLOSED)
        assert errors == ([FieldError("base_url", reason)] if reason else []), text


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
        # As it is kept, and not as it was typed.
        typed = {"base_url": url, "api_key": f" {api_key} "}
        assert await ada.refused("CreateKey", **(whole | typed)) == refused
        assert await ada.refused("UpdateKey", id=key.id, **typed) == refused
    # And where the key is changed to what the URL has in it all the time.
    early = await ada.create(name="early", base_url="https://a.example/0123-a%2Bkey%2Fof-no-shape")
    assert await ada.refused("UpdateKey", id=early.id, api_key=f" {api_key} ") == refused
    await ada.update(early.id, api_key="another-key-of-no-shape")
    # A word is none, and a host is not its path.
    await ada.create(name="word", api_key="lm-studio", base_url="https://a.example/lm-studio/v1")
    await ada.create(
        name="host", api_key="a-long.word.example", base_url="https://a-long.word.example/v1"
    )
