"""One message of one's own, whichever conversation it is in."""

import pytest

from chassis.errors import RemoteError
from chassis.ids import new_id
from parley.chat.v1 import chat_pb2

from .client import Client
from .vault import Vault


async def read(client: Client, message_id: str) -> chat_pb2.Message:
    request = chat_pb2.GetMessageRequest(id=message_id)
    message: chat_pb2.Message = (await client.call("GetMessage", request)).message
    return message


async def refusal(client: Client, message_id: str) -> str:
    with pytest.raises(RemoteError) as refused:
        await read(client, message_id)
    return refused.value.reason


async def test_question_and_answer_are_had_by_their_ids_and_by_their_user_alone(
    client: Client, strange_client: Client
) -> None:
    accepted, _ = await client.ask("Do you like tea?")
    question = await read(client, accepted.question_id)
    assert (question.content, question.session_id) == ("Do you like tea?", accepted.session_id)
    answer = await read(client, accepted.answer_id)
    assert answer.content
    assert answer.status == chat_pb2.RUN_STATUS_COMPLETED
    for other in (accepted.question_id, accepted.answer_id):
        assert await refusal(strange_client, other) == "MESSAGE_NOT_FOUND"
    for nothing in (str(new_id()), "x", accepted.run_id):
        assert await refusal(client, nothing) == "MESSAGE_NOT_FOUND"


async def test_what_is_deleted_is_not_there_until_it_is_restored(client: Client) -> None:
    accepted, _ = await client.ask("Do you like tea?")
    await client.call("DeleteSession", chat_pb2.DeleteSessionRequest(id=accepted.session_id))
    assert await refusal(client, accepted.question_id) == "MESSAGE_NOT_FOUND"
    await client.call("RestoreSession", chat_pb2.RestoreSessionRequest(id=accepted.session_id))
    assert (await read(client, accepted.question_id)).content == "Do you like tea?"


async def test_an_answer_that_is_being_written_is_not_finished_for_its_user_alone(
    client: Client, strange_client: Client, vault: Vault
) -> None:
    vault.model = "endless-at-20"
    accepted = await client.begin(chat_pb2.StartRunRequest(content="Do you like tea?"))
    assert await refusal(client, accepted.answer_id) == "MESSAGE_NOT_FINISHED"
    assert await refusal(strange_client, accepted.answer_id) == "MESSAGE_NOT_FOUND"
    assert (await read(client, accepted.question_id)).content == "Do you like tea?"
    await client.call("CancelRun", chat_pb2.CancelRunRequest(run_id=accepted.run_id))
    await client.follow(accepted.run_id)
    answer = await read(client, accepted.answer_id)
    assert answer.status == chat_pb2.RUN_STATUS_CANCELLED
    # It is gone on with.
    going = await client.begin(chat_pb2.ContinueRunRequest(run_id=accepted.run_id))
    assert await refusal(client, accepted.answer_id) == "MESSAGE_NOT_FINISHED"
    await client.call("CancelRun", chat_pb2.CancelRunRequest(run_id=going.run_id))
    await client.follow(going.run_id)
    assert (await read(client, accepted.answer_id)).content.startswith(answer.content)


async def test_of_an_answer_that_has_failed_there_is_what_was_shown(
    client: Client, vault: Vault
) -> None:
    vault.model = "cut-after-5"
    accepted, _ = await client.ask("Do you like tea?")
    answer = await read(client, accepted.answer_id)
    assert answer.status != chat_pb2.RUN_STATUS_COMPLETED
    assert answer.content
