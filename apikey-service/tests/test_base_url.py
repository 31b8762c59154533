import pytest

from apikey_service.domain.base_url import normalise_base_url


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
    ],
)
def test_a_base_url_is_stored_in_its_normal_form(text: str, normal: str) -> None:
    assert normalise_base_url(text) == normal
    assert normalise_base_url(normal) == normal


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
        "https://:443/v1",
        "https://./v1",
        "ftp://example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "httpſ://example.com",
        "https://user@example.com",
        "https://user:password@example.com",
        "https://good.example\\@evil.example",
        "https://good.example\\.evil.example",
        "https://example.com/v1?key=1",
        "https://example.com/v1?",
        "https://example.com/v1#",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:٨٠/",
        "https://example.com:/",
        "https://example.com:80:80/",
        "https://exa mple.com",
        "https://example.com/a b",
        "https://example.com\n",
        "https://example.com/\x00",
        "https://１２７.0.0.1/",
        "https://bücher.example",
        "https://%31%32%37.0.0.1/",
        "https://example.com/%zz",
        "https://[::1",
        "https://[::1]x",
        "https://[fe80::1%25eth0]/",
        "https://[::ffff:1.2.3]/",
        "https://[v1.x]/",
    ],
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    assert normalise_base_url(text) is None
