"""Search over gRPC, and the job that indexes in a service that runs."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import FieldError, RemoteError
from chassis.testing import eventually, sample
from chat_service.search.indexing import Indexing
from chat_service.search.store.unindexed import Unindexed
from parley.chat.v1 import chat_pb2
from parley.chat.v1.search_pb2 import SearchRequest, SearchResponse

Chat = Any
Client = Any
Searching = Any


async def _search(client: Client, **asked: Any) -> SearchResponse:
    found: SearchResponse = await client.call("Search", SearchRequest(**asked))
    return found


async def test_what_was_asked_and_answered_is_found_as_the_contract_says(
    client: Client, strange_client: Client
) -> None:
    accepted, _ = await client.ask("What is a needle?")
    found = await _search(client, q="needle")
    question, title = found.items
    assert (question.id, question.session_id) == (accepted.question_id, accepted.session_id)
    assert (question.role, question.title) == (chat_pb2.MESSAGE_ROLE_USER, "What is a needle?")
    assert (title.id, title.session_id) == (accepted.session_id, accepted.session_id)
    assert title.role == chat_pb2.MESSAGE_ROLE_UNSPECIFIED
    (hit,) = question.match.hits
    assert question.match.snippet[hit.start : hit.end] == "needle"
    assert list((await _search(client, q="needle", without_messages=True)).items) == [title]
    assert list((await _search(client, q="needle", without_titles=True)).items) == [question]
    user = chat_pb2.MESSAGE_ROLE_USER
    assert list((await _search(client, q="needle", role=user)).items) == [question]
    # Both are of the moment in which the question came.
    assert list((await _search(client, q="needle", to=question.at)).items) == []
    assert list((await _search(strange_client, q="needle")).items) == []


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"session_id": "x"}, FieldError("session_id", "INVALID")),
        ({"role": 99}, FieldError("role", "UNKNOWN")),
        ({"to": Timestamp(seconds=2**60)}, FieldError("to", "OUT_OF_RANGE")),
        ({"cursor": "x"}, FieldError("cursor", "INVALID")),
        ({"limit": 101}, FieldError("limit", "TOO_LARGE", maximum=100)),
        ({"q": ""}, FieldError("q", "REQUIRED")),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_its_field(
    client: Client, asked: dict[str, Any], error: FieldError
) -> None:
    with pytest.raises(RemoteError) as refused:
        await _search(client, **{"q": "needle", **asked})
    assert refused.value.fields == (error,)


async def test_a_service_that_runs_indexes_what_is_written(client: Client, chat: Chat) -> None:
    await client.ask("What is a needle?")

    async def indexed() -> bool:
        return await Unindexed(chat.worker).pending() == (0, 0.0)

    await eventually(indexed, timeout=30)
    assert len((await _search(client, q="needle")).items) == 2


async def test_how_much_is_yet_to_be_indexed_and_for_how_long_is_told(
    searching: Searching, chat: Chat
) -> None:
    session = await searching.session("needle")
    await searching.turn(session, "needle", "needle")
    indexing = Indexing(Unindexed(chat.worker))
    async with chat.holding(session):
        await indexing.once()
        assert sample("chat_unindexed_sessions") == 1
        assert (sample("chat_unindexed_seconds") or 0) > 0
    before = sample("chat_indexed_texts_total") or 0
    await indexing.once()
    assert sample("chat_unindexed_sessions") == 0
    assert sample("chat_unindexed_seconds") == 0
    assert sample("chat_indexed_texts_total") == before + 3
