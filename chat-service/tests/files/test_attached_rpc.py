"""Questions with files on the wire: from the upload to what the model server was sent."""

import io
from typing import Any

import pytest
from PIL import Image

from chassis.errors import AppError, Kind
from chassis.testing import ModelServer, eventually
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import chat_pb2, files_pb2

# `Client` and `Vault` of the conftest.py above, which a test module has no names for.
Client = Any
Vault = Any


async def upload(client: Client, content: bytes, name: str) -> Any:
    return await client.upload(
        files_pb2.UploadFileRequest(head=files_pb2.UploadHead(name=name)),
        files_pb2.UploadFileRequest(chunk=content),
        files_pb2.UploadFileRequest(end=files_pb2.UploadEnd(size=len(content))),
    )


def asking(content: str, *files: Any, **more: Any) -> chat_pb2.StartRunRequest:
    attached = chat_pb2.Attached(file_ids=[one.id for one in files])
    return chat_pb2.StartRunRequest(content=content, attachments=attached, **more)


def photo() -> bytes:
    made = io.BytesIO()
    Image.effect_noise((300, 200), 50).convert("RGB").save(made, "JPEG")
    return made.getvalue()


async def answer_of(client: Client, accepted: chat_pb2.RunAccepted) -> chat_pb2.GetRunResponse:
    found: chat_pb2.GetRunResponse = await client.call(
        "GetRun", chat_pb2.GetRunRequest(run_id=accepted.run_id)
    )
    return found


async def test_a_text_reaches_the_model_with_its_question(client: Client, vault: Vault) -> None:
    vault.model = "echo"
    file = await upload(client, b"Tea at five.", "plan.txt")
    accepted, _ = await client.read(asking("When is tea?", file), None)
    found = await answer_of(client, accepted)
    assert "Tea at five." in found.answer.content
    assert found.answer.content.endswith("When is tea?")
    (attached,) = found.question.attachments
    assert (attached.file_id, attached.name, attached.kind) == (file.id, "plan.txt", "text")
    assert (attached.size, attached.deleted) == (12, False)
    assert found.question.content == "When is tea?"
    context = await client.call(
        "GetContext",
        chat_pb2.GetContextRequest(session_id=accepted.session_id, message_id=accepted.answer_id),
    )
    (given,) = context.parts[-1].files
    assert (given.file_id, given.characters, given.of_characters) == (file.id, 12, 12)
    await client.call("DeleteFile", files_pb2.DeleteFileRequest(id=file.id))
    assert (await answer_of(client, accepted)).question.attachments[0].deleted


@pytest.mark.parametrize("provider", [apikey_pb2.PROVIDER_OPENAI, apikey_pb2.PROVIDER_ANTHROPIC])
async def test_a_picture_reaches_the_model_in_the_way_of_its_server(
    provider: apikey_pb2.Provider.ValueType,
    client: Client,
    vault: Vault,
    model_server: ModelServer,
) -> None:
    vault.model, vault.provider = f"sees#{provider}", provider
    file = await upload(client, photo(), "photo.jpg")
    accepted, _ = await client.read(asking("What is it?", file), None)
    content = (await answer_of(client, accepted)).answer.content
    assert content == f"1 pictures: image/jpeg of {file.size} bytes. What is it?"
    request = model_server.counters()["last_request"]
    assert request["pictures"] == [["image/jpeg", file.size]]


async def test_a_model_that_says_it_sees_nothing_is_sent_nothing(
    client: Client, vault: Vault, model_server: ModelServer
) -> None:
    vault.model = "blind"
    file = await upload(client, photo(), "photo.jpg")
    calls = model_server.counters()["calls"].get("blind", 0)
    _, frames = await client.read(asking("What is it?", file), None)
    assert frames[-1].event == "error"
    assert b"MODEL_CANNOT_SEE" in frames[-1].data
    # From now on it is known, and nothing is even stored.
    with pytest.raises(AppError) as refused:
        await client.begin(asking("What is it?", file))
    assert (refused.value.kind, refused.value.reason) == (Kind.INVALID, "MODEL_CANNOT_SEE")
    assert model_server.counters()["calls"].get("blind", 0) == calls
    _, frames = await client.read(asking("Hello"), None)
    assert frames[-1].event == "done"


async def test_a_model_that_refuses_pictures_is_told_apart_from_one_that_fails(
    client: Client, vault: Vault
) -> None:
    vault.model = "blind-untold"
    file = await upload(client, photo(), "photo.jpg")
    accepted, frames = await client.read(asking("What is it?", file), None)
    assert frames[-1].event == "error"
    assert b"MODEL_CANNOT_SEE" in frames[-1].data
    assert b"does not support image input" in frames[-1].data

    async def is_known() -> bool:
        # Heard of behind the run's end.
        try:
            await client.begin(asking("What is it?", file))
        except AppError as refused:
            return refused.reason == "MODEL_CANNOT_SEE"
        return False

    await eventually(is_known)
    # The conversation goes on without the picture.
    _, frames = await client.read(asking("Hello", session_id=accepted.session_id), None)
    assert frames[-1].event == "done"


async def test_a_file_that_is_somebody_elses_is_none(
    client: Client, strange_client: Client
) -> None:
    file = await upload(strange_client, b"private", "a.txt")
    for file_id in (file.id, "none"):
        request = chat_pb2.StartRunRequest(
            content="q", attachments=chat_pb2.Attached(file_ids=[file_id])
        )
        with pytest.raises(AppError) as refused:
            await client.begin(request)
        assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "FILE_NOT_FOUND")


async def test_hostile_uploads_are_refused_with_their_reason(client: Client) -> None:
    with pytest.raises(AppError) as refused:
        await upload(client, b"\x7fELF\0\0", "picture.png")
    assert refused.value.reason == "FILE_KIND_REFUSED"
    with pytest.raises(AppError) as refused:
        await upload(client, photo()[:200], "photo.jpg")
    assert refused.value.reason == "FILE_UNREADABLE"
    assert refused.value.metadata == {"kind": "jpeg", "cause": "DAMAGED"}
