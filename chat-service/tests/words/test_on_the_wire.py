"""A service with the operator's words: nothing of them is kept, wherever they are said."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from chassis.errors import FieldError, RemoteError
from chassis.testing import eventually
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2
from parley.chat.v1 import files_pb2 as pb

# Of conftest.py, which a test module has no name for.
Client = Any

RULES = """rules:
  - action: mask
    words: [hush]
  - action: refuse
    words: [never]
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    path = tmp_path / "words.yaml"
    path.write_text(RULES, encoding="utf-8")
    return settings.model_copy(update={"words_file": path, "files_dir": tmp_path / "files"})


async def refused(client: Client, method: str, request: Any, field: str) -> None:
    with pytest.raises(RemoteError) as error:
        await client.call(method, request)
    assert error.value.reason == "WORD_REFUSED"
    assert error.value.fields == (FieldError(field, "WORD_REFUSED"),)


async def test_what_people_write_is_masked_or_refused_before_it_is_kept(client: Client) -> None:
    accepted, frames = await client.ask("say HUSH", model="echo")
    session_id, question_id = accepted.session_id, accepted.question_id
    assert frames[-1].event == "done"
    said = "".join(orjson.loads(f.data)["text"] for f in frames if f.event == "delta")
    assert "＊＊＊＊" in said
    listing = chat_pb2.ListMessagesRequest(session_id=session_id)
    question, answer = (await client.call("ListMessages", listing)).items
    assert (question.content, answer.content) == ("say ＊＊＊＊", said)
    get_session = chat_pb2.GetSessionRequest(id=session_id)
    assert (await client.call("GetSession", get_session)).session.title == "say ＊＊＊＊"
    asking = chat_pb2.StartRunRequest
    await refused(client, "StartRun", asking(content="Never"), "content")
    again = asking(content="never", session_id=session_id, edits_message_id=question_id)
    await refused(client, "StartRun", again, "content")
    edit = chat_pb2.EditAnswerRequest(session_id=session_id, message_id=answer.id)
    edit.content = "never"
    await refused(client, "EditAnswer", edit, "content")
    edit.content = "a hush"
    assert (await client.call("EditAnswer", edit)).message.content == "a ＊＊＊＊"
    await refused(client, "CreateSession", chat_pb2.CreateSessionRequest(title="never"), "title")
    change = chat_pb2.UpdateSessionRequest(id=session_id, title="never")
    await refused(client, "UpdateSession", change, "title")
    change.title = "hush now"
    changed = await client.call("UpdateSession", change)
    assert changed.session.title == "＊＊＊＊ now"
    # A file is kept under whatever it is called.
    called = pb.UploadHead(name="a/Never hush.txt")
    parts = ({"head": called}, {"chunk": b"x"}, {"end": pb.UploadEnd(size=1)})
    file = await client.upload(*(pb.UploadFileRequest(**part) for part in parts))
    assert file.name == "＊＊＊＊＊ ＊＊＊＊.txt"
    # Of what was refused nothing is there.
    listing.all_paths = True
    assert len((await client.call("ListMessages", listing)).items) == 3


async def test_what_was_begun_before_a_word_was_refused_is_joined_as_ever(
    client: Client, settings: Settings
) -> None:
    request = chat_pb2.StartRunRequest(content="well then")
    accepted = await client.begin(request, "once")
    making = chat_pb2.CreateSessionRequest(title="well")
    made = await client.call("CreateSession", making, "made")
    answer = await eventually(lambda: _answer(client, accepted.session_id))
    assert answer
    editing = chat_pb2.EditAnswerRequest(
        session_id=accepted.session_id, message_id=answer.id, content="well said"
    )
    edited = await client.call("EditAnswer", editing, "edited")
    assert settings.words_file is not None
    settings.words_file.write_text(RULES.replace("never", "well"), encoding="utf-8")

    async def is_refused() -> bool:
        try:
            await client.begin(request)
        except RemoteError as error:
            return error.reason == "WORD_REFUSED"
        return False

    await eventually(is_refused, timeout=20)
    assert (await client.begin(request, "once")).run_id == accepted.run_id
    assert await client.call("CreateSession", making, "made") == made
    assert await client.call("EditAnswer", editing, "edited") == edited
    await refused(client, "CreateSession", making, "title")
    await refused(client, "EditAnswer", editing, "content")


async def _answer(client: Client, session_id: str) -> chat_pb2.Message | None:
    """The answer, once there is one."""
    listing = chat_pb2.ListMessagesRequest(session_id=session_id)
    found = list((await client.call("ListMessages", listing)).items)
    return found[1] if len(found) == 2 else None
