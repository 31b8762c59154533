"""The operator's words in what models are asked beside runs, by the service as it is built."""

from pathlib import Path
from typing import Any

import pytest

from chassis.caller import Caller
from chassis.testing import eventually
from chat_service.settings import Settings
from parley.chat.v1 import chat_pb2

# Of the conftests, for which there is no name here.
Client = Any
Preferences = Any
Scripted = Any
Reply = Any
Vault = Any


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    path = tmp_path / "words.yaml"
    path.write_text("rules:\n  - action: mask\n    words: [hush]\n", encoding="utf-8")
    return settings.model_copy(update={"words_file": path})


async def test_a_title_that_a_model_gives_is_masked(
    client: Client,
    preferences: Preferences,
    caller: Caller,
    vault: Vault,
    scripted: Scripted,
    reply: type[Reply],
) -> None:
    vault.base_url, vault.model = scripted.base_url, "m"
    scripted.rule = lambda _: reply("hush now")
    preferences.set(caller, titles_by_model=True)
    await client.take_settings()
    accepted, _ = await client.ask("Do you like tea?")

    async def title_by_model() -> str | None:
        request = chat_pb2.GetSessionRequest(id=accepted.session_id)
        session = (await client.call("GetSession", request)).session
        return session.title if session.title_by == chat_pb2.TITLE_BY_MODEL else None

    assert await eventually(title_by_model) == "＊＊＊＊ now"
