"""Tabs that act on one conversation at once: whatever the order, the tree is whole and nothing is lost but
what was deleted, with all that follows it.

`PARLEY_TREE_SEEDS=1000` tries as many interleavings; each failure names its seed.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.errors import MessageNotFound
from chat_service.conversations.domain.message import Message, Role
from chat_service.runs.domain.errors import RunInProgress, RunNotContinuable, RunNotFound

# Of conftest.py, which a test module has no name for.
Conversation = Any

_SEEDS = int(os.environ.get("PARLEY_TREE_SEEDS", "12"))
_STEPS = 14
_TABS = 3
# What one tab may be told because of what another one does.
_IN_THE_WAY = (RunInProgress, RunNotContinuable, RunNotFound, MessageNotFound)
# What is deleted, seen by the database itself.
_WATCH = """
CREATE TABLE gone (LIKE messages);
CREATE FUNCTION note_gone() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN INSERT INTO gone SELECT OLD.*; RETURN NULL; END $$;
CREATE TRIGGER note_gone AFTER DELETE ON messages FOR EACH ROW EXECUTE FUNCTION note_gone();
"""


class Tabs:
    """Several tabs on one conversation, and what they have been told was kept."""

    def __init__(self, conversation: Conversation, seed: int) -> None:
        self.conversation = conversation
        self.random = random.Random(seed)
        self.kept: list[str] = []
        self.live: list[tuple[Any, str, str]] = []
        self.deleted: set[Any] = set()
        self.unsaved: set[Any] = set()
        self._texts = 0

    def text(self, what: str) -> str:
        self._texts += 1
        return f"{what} {self._texts}"

    async def act(self, messages: list[Message]) -> None:
        """What one tab does that sees these messages, which may be gone from the path by then."""
        choices: list[Callable[[list[Message]], Awaitable[None]]] = [
            self.send,
            self.finish,
            self.finish,
        ]
        if messages:
            choices += [self.regenerate, self.edit, self.choose, self.choose, self.go_on]
            choices += [self.delete]
        try:
            await self.random.choice(choices)(messages)
        except _IN_THE_WAY:
            return

    async def send(self, _: list[Message]) -> None:
        question = self.text("question")
        self._begun(await self.conversation.ask(question), "")
        self.kept.append(question)

    async def regenerate(self, messages: list[Message]) -> None:
        self._begun(await self.conversation.regenerate(self.random.choice(messages).id), "")

    async def edit(self, messages: list[Message]) -> None:
        message = self.random.choice(messages)
        if message.role is Role.ASSISTANT:
            answer = self.text("written")
            await self.conversation.edit_answer(message.id, answer)
            self.kept.append(answer)
            return
        question = self.text("edited")
        self._begun(await self.conversation.edit(message.id, question), "")
        self.kept.append(question)

    async def choose(self, messages: list[Message]) -> None:
        await self.conversation.choose(self.random.choice(messages).id)

    async def go_on(self, messages: list[Message]) -> None:
        cut = [one for one in messages if one.can_continue]
        if cut:
            message = self.random.choice(cut)
            self._begun(await self.conversation.go_on(message.run_id), message.content)

    async def finish(self, _: list[Message]) -> None:
        if self.live:
            run, prefix, text = self.live.pop()
            status = self.random.choice((RunStatus.COMPLETED, RunStatus.INTERRUPTED))
            if await self.conversation.tries_to_end(run, text, status, prefix):
                self.kept.append(prefix + text)
            else:
                self.unsaved.add(run.id)

    async def delete(self, messages: list[Message]) -> None:
        live = [run.answer_id for run, *_ in self.live]
        message_id = self.random.choice([*(one.id for one in messages), *live])
        await self.conversation.delete_message(message_id)
        self.deleted.add(message_id)

    def _begun(self, run: Any, prefix: str) -> None:
        self.live.append((run, prefix, self.text(" and on" if prefix else "answer")))

    async def check(self, admin: psycopg.Connection[Any]) -> None:
        """The tree is whole, one path is chosen, and every text is there but for what was deleted."""
        messages = list(await self.conversation.messages(all_paths=True))
        by_id = {one.id: one for one in messages}
        orders = [one.order for one in messages]
        gone = admin.execute('SELECT id, content, "order", parent_order FROM gone').fetchall()
        # Each given once, to what is there or was; each of what is gone was deleted, or what it followed was.
        assert sorted({*orders, *(one.order for one in gone)}) == sorted(
            [*orders, *(one.order for one in gone)]
        )
        for one in gone:
            assert one.id in self.deleted or one.parent_order in {other.order for other in gone}
        assert self.unsaved <= set(self.conversation.dropped)
        assert (await self.conversation.session()).message_count == len(messages)
        for one in messages:
            parent = None if one.parent_id is None else by_id[one.parent_id]
            assert (0 if parent is None else parent.order) == one.parent_order < one.order
            if parent is not None:
                assert one.role is Role.USER or parent.role is Role.USER
                assert parent.chosen or not one.chosen
            siblings = [other.id for other in messages if other.parent_id == one.parent_id]
            assert list(one.variants) == siblings
            assert sum(by_id[other].chosen for other in siblings) <= 1
        path = [one for one in messages if one.chosen]
        assert path == list(await self.conversation.messages())
        assert [one.parent_id for one in path] == [None, *(one.id for one in path)][: len(path)]
        said = [one.content for one in [*messages, *gone]]
        for text in self.kept:
            assert any(told.startswith(text) for told in said), text


@pytest.fixture
def admin(conversation: Conversation) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        conversation.chat.urls.admin, autocommit=True, row_factory=namedtuple_row
    ) as connection:
        connection.execute(_WATCH)
        yield connection


@pytest.mark.parametrize("seed", range(_SEEDS))
async def test_whatever_tabs_do_at_once_the_tree_is_whole_and_every_text_is_there(
    conversation: Conversation, admin: psycopg.Connection[Any], seed: int
) -> None:
    tabs = Tabs(conversation, seed)
    for _ in range(_STEPS):
        messages = list(await conversation.messages(all_paths=True))
        results = await asyncio.gather(
            *(tabs.act(messages) for _ in range(_TABS)), return_exceptions=True
        )
        assert [one for one in results if one is not None] == []
        await tabs.check(admin)
    for _ in range(len(tabs.live)):
        await tabs.finish([])
    await tabs.check(admin)
    assert tabs.live == []
