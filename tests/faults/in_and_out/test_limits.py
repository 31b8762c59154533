"""A limit of use that many questions come to at once."""

import asyncio
from collections import Counter

import pytest

from tests.client import User
from tests.faults.cluster import Cluster

from .client import AT_ONCE, Client
from .terms import Terms, has_taken

pytestmark = pytest.mark.faults


async def test_a_limit_is_not_passed_by_two_hundred_questions_at_once(
    cluster: Cluster, user: User, client: Client, terms: Terms, draw: int
) -> None:
    allowed = 50 + draw
    await has_taken(cluster, "usage", lambda: terms.limit(user.id, tokens=allowed))
    answers = await asyncio.gather(
        *(
            client.ask("POST", "/chat/messages", at=number % 2, json={"content": "How much?"})
            for number in range(AT_ONCE)
        )
    )
    seen = Counter(
        (one.status_code, one.json().get("reason") if one.status_code != 200 else None)
        for one in answers
    )
    last = await client.ask("POST", "/chat/messages", json={"content": "Is there more?"})
    assert (last.status_code, last.json()["reason"]) == (429, "USAGE_LIMIT_REACHED"), seen
    told = last.json()
    counted = (await client.ask("GET", "/me/usage?by=purpose", at=1)).json()
    of = {
        one["purpose"]: one["prompt_tokens"] + one["completion_tokens"] for one in counted["items"]
    }
    ((answered, spent),) = cluster.query(
        "SELECT count(*), sum(prompt_tokens + completion_tokens)::int FROM messages WHERE user_id = %s AND role = 'assistant'",
        user.id,
    )
    assert of["answer"] == spent
    # Titles are asked for beside them, until there is no room for any.
    assert (told["used"], told["allowed"]) == (sum(of.values()), allowed)
    # What was under way when it was reached: the runs that a user may have, and those that began beside them.
    each = spent // answered
    assert spent < allowed + 2 * 50 * each, seen
    # However busy the machine is, each is answered or told when to come again.
    assert answered == seen[200, None], seen
    assert {status for status, _ in seen} == {200, 429}, seen
    assert all("retry-after" in one.headers for one in answers if one.status_code == 429)
    print(f"{answered} answered of {AT_ONCE}: {told['used']} of {allowed} tokens; {seen}")
