"""What a client is told whose tokens of the day are used up."""

import pytest

from chassis.errors import Kind, RemoteError

from .door import Door


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_the_days_tokens_are_numbers_and_the_wait_is_a_header(
    door: Door, accept: str
) -> None:
    door.chat.refusal = RemoteError(
        Kind.EXHAUSTED,
        "ALLOWANCE_USED_UP",
        "Used up.",
        metadata={"used": "104", "allowed": "100", "resets_at": "2026-11-27T00:00:00Z"},
        retry_after=3600,
    )
    answer = await door.http.post(
        "/api/v1/chat/messages", json={"content": "x"}, headers={**door.bearer, "accept": accept}
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    problem = answer.json()
    assert problem["reason"] == "ALLOWANCE_USED_UP"
    assert (problem["used"], problem["allowed"]) == (104, 100)
    assert problem["resets_at"] == "2026-11-27T00:00:00Z"
