"""What may have been meant by a base URL: the same host always, the likeliest first."""

import pytest

from chassis.server_url import parse_server_url
from chat_service.connections.domain.variants import MOST_VARIANTS, Variant, variants


@pytest.mark.parametrize(
    ("base_url", "provider", "clear", "first"),
    [
        ("https://h.example", "openai", False, Variant("https://h.example/v1", "openai")),
        ("https://h.example/api", "openai", False, Variant("https://h.example/api/v1", "openai")),
        ("https://h.example/v1/v1", "openai", False, Variant("https://h.example/v1", "openai")),
        ("https://h.example/v1", "openai", False, Variant("https://h.example", "openai")),
        (
            "https://h.example/v1beta/v1beta",
            "openai",
            False,
            Variant("https://h.example/v1beta", "openai"),
        ),
        (
            "https://h.example/v1beta",
            "openai",
            False,
            Variant("https://h.example/v1beta/openai", "openai"),
        ),
        (
            "https://h.example/v1/embeddings",
            "openai",
            False,
            Variant("https://h.example/v1", "openai"),
        ),
        (
            "https://h.example/p/v1/chat",
            "openai",
            False,
            Variant("https://h.example/p/v1", "openai"),
        ),
        (
            "https://h.example/x?api-version=1",
            "openai",
            False,
            Variant("https://h.example/x/v1?api-version=1", "openai"),
        ),
    ],
)
def test_a_version_is_put_right_first(
    base_url: str, provider: str, clear: bool, first: Variant
) -> None:
    assert variants(base_url, provider, may_go_clear=clear)[0] == first


def test_of_ollamas_own_api_the_compatible_one_is_tried_as_well() -> None:
    found = variants("http://h.example:11434/api", "openai", may_go_clear=False)
    assert found[:2] == (
        Variant("http://h.example:11434/api/v1", "openai"),
        Variant("http://h.example:11434/v1", "openai"),
    )


def test_the_other_protocol_and_the_other_scheme_are_tried_and_both_with_a_version() -> None:
    found = variants("http://h.example:8000", "openai", may_go_clear=False)
    assert found == (
        Variant("http://h.example:8000/v1", "openai"),
        Variant("http://h.example:8000", "anthropic"),
        Variant("https://h.example:8000", "openai"),
        Variant("http://h.example:8000/v1", "anthropic"),
        Variant("https://h.example:8000/v1", "openai"),
        Variant("https://h.example:8000", "anthropic"),
    )


def test_a_key_is_not_sent_unencrypted_where_https_was_said_unless_it_may() -> None:
    kept = variants("https://h.example", "anthropic", may_go_clear=False)
    assert all(one.base_url.startswith("https://") for one in kept)
    opened = variants("https://h.example", "anthropic", may_go_clear=True)
    assert Variant("http://h.example", "anthropic") in opened


@pytest.mark.parametrize("base_url", ["https://[2001:db8::1]:1/v1/v1", "http://h/a//b", "http://h"])
def test_the_host_is_always_the_same_and_they_are_few(base_url: str) -> None:
    found = variants(base_url, "openai", may_go_clear=True)
    assert 0 < len(found) <= MOST_VARIANTS
    host = parse_server_url(base_url).host
    assert {parse_server_url(one.base_url).host for one in found} == {host}
    assert len(set(found)) == len(found)
    assert Variant(base_url, "openai") not in found
