"""What servers' refusals mean, of those that read like something else."""

import orjson
import pytest

from chat_service.providers.refusals import of_response

from .wordings import LIMITS, SAID, WORDINGS


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (
            400,
            (
                b'{"error":{"message":"Could not finish the message because max_tokens or model output'
                b' limit was reached. Please try again with higher max_tokens.","code":null}}'
            ),
            "PROVIDER_THOUGHT_ONLY",
        ),
        (
            401,
            (
                b'{"error":{"message":"Your account is not active, please check your billing details on'
                b' our website.","type":"billing_not_active","code":"billing_not_active"}}'
            ),
            "PROVIDER_QUOTA_EXCEEDED",
        ),
        (424, b'{"error":"Model too busy, unable to get response"}', "PROVIDER_OVERLOADED"),
    ],
)
def test_a_refusal_is_what_it_says_and_not_what_its_status_is(
    status: int, body: bytes, reason: str
) -> None:
    assert of_response(status, {}, body).reason == reason


def test_characters_are_not_told_as_tokens() -> None:
    error = of_response(
        400,
        {},
        b'{"error":{"message":"Invalid \'messages[3].content\': string too long. Expected a string with'
        b' maximum length 10485760, but got a string with length 20000000 instead.",'
        b'"code":"string_above_max_length"}}',
    )
    assert error.reason == "PROVIDER_CONTEXT_TOO_LONG"
    assert "tokens" not in error.detail


# As servers word it that a prompt is too long, and what they say that the model takes in all.
TOO_LONG = {
    "OpenAI, DeepSeek, OpenRouter": (
        (
            "This model's maximum context length is 2500 tokens. However, you requested 3000 tokens"
            " (2900 in the messages, 100 in the completion). Please reduce the length of the messages."
        ),
        2500,
    ),
    "vLLM": (
        (
            "This model's maximum context length is 2500 tokens. However, your request has 3000 input"
            " tokens. Please reduce the length of the input messages."
        ),
        2500,
    ),
    "Anthropic": ("prompt is too long: 3000 tokens > 2500 maximum", 2500),
    "Google": (
        "The input token count (3000) exceeds the maximum number of tokens allowed (2500).",
        2500,
    ),
    "Mistral": (
        (
            "Prompt contains 3000 tokens and 0 draft tokens, too large for model with 2500 maximum"
            " context length"
        ),
        2500,
    ),
    "xAI": (
        "This model's maximum prompt length is 2500 but the request contains 3000 tokens.",
        2500,
    ),
    "llama-cpp-python": ("Requested tokens (3000) exceed context window of 2500", 2500),
    "llama.cpp": ("the request exceeds the available context size, try increasing it", None),
    "TGI": (
        "Input validation error: `inputs` must have less than 2500 tokens. Given: 3000",
        2500,
    ),
    "SGLang": (
        "The input (3000 tokens) is longer than the model's context length (2500 tokens).",
        2500,
    ),
    "LM Studio": (
        (
            "Trying to keep the first 3000 tokens when context the overflows. However, the model is"
            " loaded with context length of only 2500 tokens, which is not enough."
        ),
        2500,
    ),
    "Cohere": (
        "too many tokens: total number of tokens in the prompt cannot exceed 2500 - received 3000.",
        2500,
    ),
    "Fireworks": ("The prompt is too long: 3000, model maximum context length: 2500", 2500),
    "Bedrock": ("Input is too long for requested model.", None),
    "Groq": ("Please reduce the length of the messages or completion.", None),
    "Moonshot": (
        "Invalid request: Your request exceeded model token limit: 2500 (requested: 3000)",
        2500,
    ),
    "Zhipu": ("上下文长度超过限制", None),
}


@pytest.mark.parametrize("server", TOO_LONG)
def test_a_prompt_that_is_too_long_is_known_as_one_however_it_is_said(server: str) -> None:
    message, most = TOO_LONG[server]
    error = of_response(400, {}, orjson.dumps({"error": {"message": message}}))
    assert (error.reason, error.most_tokens) == ("PROVIDER_CONTEXT_TOO_LONG", most)
    assert ("3,000 tokens of the 2,500" in error.detail) == (most is not None)


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else orjson.dumps(body)


@pytest.mark.parametrize("reason", WORDINGS)
def test_what_is_wrong_is_read_from_the_words_that_a_server_has_for_it(reason: str) -> None:
    read = {
        _bytes(body): of_response(status, {}, _bytes(body)).reason
        for status, body in WORDINGS[reason]
    }
    assert read == dict.fromkeys(read, reason)


def test_limits_say_how_long_to_wait_in_many_words() -> None:
    for status, body, seconds in LIMITS:
        error = of_response(status, {}, _bytes(body))
        assert (error.reason, error.retry_after) == ("PROVIDER_RATE_LIMITED", seconds), body


@pytest.mark.parametrize(("body", "says"), SAID)
def test_a_servers_sentence_is_found_wherever_it_stands(body: object, says: str) -> None:
    assert of_response(400, {}, _bytes(body)).provider_message == says
