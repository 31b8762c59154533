"""From a base URL, as people write it, to the URLs that are called."""

import pytest

from chat_service.providers.asking.endpoint import endpoint_of
from chat_service.providers.errors import ProviderUrlInvalid

AZURE = "https://x.openai.azure.com/openai/deployments/gpt-4o"
CHAT = [
    ("https://api.example.com/v1", "https://api.example.com/v1/chat/completions"),
    ("https://api.example.com/v1/", "https://api.example.com/v1/chat/completions"),
    ("https://api.example.com/v1///", "https://api.example.com/v1/chat/completions"),
    ("https://api.example.com", "https://api.example.com/chat/completions"),
    ("https://api.example.com/", "https://api.example.com/chat/completions"),
    ("HTTPS://API.Example.com/V1", "https://api.example.com/V1/chat/completions"),
    ("https://a.example/v1/chat/completions", "https://a.example/v1/chat/completions"),
    ("https://a.example/v1/chat/completions/", "https://a.example/v1/chat/completions"),
    ("https://a.example/chat/completions", "https://a.example/chat/completions"),
    ("https://a.example/v1/models", "https://a.example/v1/chat/completions"),
    ("https://a.example/v1/completions", "https://a.example/v1/chat/completions"),
    ("https://a.example/v1/responses", "https://a.example/v1/chat/completions"),
    ("https://a.example/v1/messages", "https://a.example/v1/chat/completions"),
    # Base URLs that end as an operation would.
    ("https://a.example/models", "https://a.example/models/chat/completions"),
    ("https://a.example/models/chat/completions", "https://a.example/models/chat/completions"),
    ("https://a.example/messages", "https://a.example/messages/chat/completions"),
    ("https://a.example/v1beta/openai", "https://a.example/v1beta/openai/chat/completions"),
    ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1/chat/completions"),
    ("http://[::1]:8080/v1", "http://[::1]:8080/v1/chat/completions"),
    (f"{AZURE}?api-version=2024-10-21", f"{AZURE}/chat/completions?api-version=2024-10-21"),
    (f"{AZURE}/?api-version=2024-10-21", f"{AZURE}/chat/completions?api-version=2024-10-21"),
    (
        f"{AZURE}/chat/completions?api-version=2024-10-21&a=%2F/?b",
        f"{AZURE}/chat/completions?api-version=2024-10-21&a=%2F/?b",
    ),
    ("https://a.example/v1?", "https://a.example/v1/chat/completions"),
    ("https://a.example/p%20q/v1", "https://a.example/p%20q/v1/chat/completions"),
]
MESSAGES = [
    ("https://api.anthropic.com", "https://api.anthropic.com/v1/messages"),
    ("https://api.anthropic.com/", "https://api.anthropic.com/v1/messages"),
    ("https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages"),
    ("https://api.anthropic.com/v1/messages", "https://api.anthropic.com/v1/messages"),
    ("https://a.example/anthropic", "https://a.example/anthropic/v1/messages"),
    ("https://a.example/anthropic/v1/", "https://a.example/anthropic/v1/messages"),
    (
        "https://a.example/anthropic/v1?beta=true",
        "https://a.example/anthropic/v1/messages?beta=true",
    ),
    ("https://a.example/v1beta", "https://a.example/v1beta/messages"),
    ("https://a.example/messages", "https://a.example/messages/v1/messages"),
]


@pytest.mark.parametrize(("base_url", "called"), CHAT)
def test_a_chat_is_asked_for_below_the_base_url(base_url: str, called: str) -> None:
    assert endpoint_of(base_url).url("/chat/completions") == called


@pytest.mark.parametrize(("base_url", "called"), MESSAGES)
def test_a_message_is_asked_for_below_the_base_urls_version(base_url: str, called: str) -> None:
    assert endpoint_of(base_url).versioned_url("/messages") == called


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "api.example.com/v1",
        "ftp://a.example",
        "https://user:secret@a.example",
        "https://a.example/v1#fragment",
        "https://a.example/v1?a=b#fragment",
        "https://a.example/v1?a=b c",
        "https://a.example/v1?a=\r\nX-Injected: yes",
        "https://a.example/v1?a=%zz",
        "https://a.example/v1?a=é",
        "https://2130706433/v1",
    ],
)
def test_what_is_no_base_url_is_refused(base_url: str) -> None:
    with pytest.raises(ProviderUrlInvalid):
        endpoint_of(base_url)
