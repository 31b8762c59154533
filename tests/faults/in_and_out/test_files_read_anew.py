"""The operator's files, read anew while they are gone by."""

import asyncio
import os
import random
from functools import partial

import pytest

from chassis.ids import new_id
from parley_local.model_server.texts import text_of
from tests.client import User, text_of_events
from tests.faults.cluster import Cluster

from .client import Client
from .exports import export_of, import_ended
from .terms import Terms, hang_up, has_taken

pytestmark = pytest.mark.faults

_WORDS = ("alpha", "gamma", "delta")
_MASK = "＊"


async def test_what_goes_in_and_out_does_not_hear_files_that_are_read_anew(
    cluster: Cluster, user: User, client: Client, terms: Terms, draw: int
) -> None:
    chance = random.Random(draw)
    content = os.urandom(200_000).hex().encode()
    over = asyncio.Event()

    async def change() -> None:
        while not over.is_set():
            terms.let_files(chance.choice((300_000, 1_000_000)))
            terms.mask(*chance.sample(_WORDS, 2))
            hang_up(cluster, "gateway", "chat_service", "auth_service", "notes_service")
            await asyncio.sleep(0.02 + chance.random() / 10)

    async def upload(number: int) -> None:
        # By the terms that were in force when it began, whole, or not at all.
        sent = await client.ask("POST", "/files", at=number % 2, files={"file": ("a.txt", content)})
        assert sent.status_code in {201, 413}, sent.text
        if sent.status_code == 201:
            path = f"/files/{sent.json()['id']}/content"
            assert (await client.ask("GET", path, at=1 - number % 2)).content == content

    changing = asyncio.create_task(change())
    try:
        file = export_of(60, new_id().hex)
        sent = await client.ask("POST", "/chat/import", files={"file": ("c.json", file)})
        assert sent.status_code == 202, sent.text
        asked = [
            client.ask(
                "POST", "/chat/messages", at=at, json={"content": "Go", "model": "tokens-40"}
            )
            for at in range(2)
        ]
        uploads = [upload(number) for number in range(4)]
        for one in (await asyncio.gather(*asked, *uploads))[:2]:
            assert one is not None
            assert one.json()["run"]["status"] == "completed", one.text
        told = await import_ended(client, sent.json()["id"])
        assert (told["state"], told["added"]) == ("completed", 60)
        export = await client.ask("GET", "/chat/export?format=json", at=1)
        document = export.json()
        assert document["end"]["conversations"] == len(document["conversations"]) == 62
    finally:
        over.set()
        await changing


async def test_a_word_is_whole_or_masked_whatever_list_comes_in_mid_stream(
    cluster: Cluster, user: User, terms: Terms, draw: int
) -> None:
    chance = random.Random(draw)
    model = "tokens-120-at-60"
    said = text_of(model)
    words = sorted(set(said.split()), key=len)[-6:]
    over = asyncio.Event()

    async def change() -> None:
        while not over.is_set():
            terms.mask(*chance.sample(words, chance.randrange(len(words) + 1)))
            hang_up(cluster, "chat_service")
            await asyncio.sleep(0.05 + chance.random() / 4)

    session = user.create_session()
    changing = asyncio.create_task(change())
    try:
        events = await asyncio.to_thread(partial(user.ask, session, "Go on", model=model))
    finally:
        over.set()
        await changing
    shown = text_of_events(events)
    assert len(shown) == len(said)
    at = 0
    for word in said.split():
        at = said.index(word, at)
        assert shown[at : at + len(word)] in (word, _MASK * len(word))
        at += len(word)
    assert user.messages(session)[-1]["content"] == shown
    await has_taken(cluster, "words", terms.mask)
