"""What servers' refusals mean, of those that read like something else."""

import pytest

from chat_service.providers.refusals import of_response


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
