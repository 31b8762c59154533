"""Tabs that act on one conversation at once: whatever the order, the tree is whole and nothing is lost but
what was deleted, with all that follows it, or cleared; what is set of it is what some tab has set; a file that
goes out has a whole tree at any moment, and comes back as it went; and of what was deleted for good, or has run
out, nothing is left. In each second interleaving connections to the database are cut amid statements, and
another replica takes over what was being answered.

`PARLEY_TREE_SEEDS=1000` tries as many interleavings; each failure names its seed.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from chassis.caller import Caller
from chassis.db.errors import DatabaseUnavailable
from chat_service.answer.domain.ending import RunStatus
from chat_service.conversations.domain.errors import (
    MessageNotFinished,
    MessageNotFound,
    SessionNotFound,
)
from chat_service.conversations.domain.message import Message, Role
from chat_service.conversations.domain.session import SessionChange
from chat_service.runs.domain.errors import RunInProgress, RunNotContinuable, RunNotFound

from .copies import exported, imported, without_ids

# Of conftest.py, which a test module has no name for.
Conversation = Any

# Of these the first four are not slow; whoever asks for more has all.
_USUAL = 12
_SEEDS = int(os.environ.get("PARLEY_TREE_SEEDS", str(_USUAL)))
_STEPS = 14
_TABS = 3
# What one tab may be told because of what another one does.
_IN_THE_WAY = (
    RunInProgress,
    RunNotContinuable,
    RunNotFound,
    MessageNotFinished,
    MessageNotFound,
    SessionNotFound,
)
# Of a conversation, all that may bear a word of it.
_LEFT = """
SELECT 'session' AS what, count(*) AS number FROM sessions WHERE id = %(id)s
UNION ALL SELECT 'messages', count(*) FROM messages WHERE session_id = %(id)s
UNION ALL SELECT 'runs', count(*) FROM runs WHERE session_id = %(id)s
UNION ALL SELECT 'search_texts', count(*) FROM search_texts WHERE session_id = %(id)s
"""
# It waits for the process to be gone: until then its connection looks fit to the pool, and would fail the next step.
_CUT = """
SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'
ORDER BY random() LIMIT 1
"""
_RUN_OUT = "UPDATE sessions SET last_message_at = now() - interval '2 days' WHERE id = %s"
# What is deleted, and in which transaction, seen by the database itself.
_WATCH = """
CREATE TABLE gone (LIKE messages, taken_in xid8);
CREATE FUNCTION note_gone() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN INSERT INTO gone SELECT OLD.*, pg_current_xact_id(); RETURN NULL; END $$;
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
        self.clears = 0
        self.forks: dict[UUID, list[str]] = {}
        self.settings: dict[str, set[Any]] = {
            "title": set(),
            "folder": {None},
            "pinned": {False},
            "archived": {False},
        }
        self.first_lines: set[str] = set()
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
            choices += [self.delete, self.fork]
        choices += [self.change, self.take_over, self.export]
        choices.append(self.random.choice((self.clear, self.put_away, self.take_back)))
        try:
            await self.random.choice(choices)(messages)
        except (*_IN_THE_WAY, DatabaseUnavailable):
            return

    async def cut(self, admin: psycopg.Connection[Any]) -> None:
        """Somewhere amid what the tabs do one of their connections is gone, with whatever was going on."""
        for _ in range(self.random.randrange(40)):
            await asyncio.sleep(0)
        await asyncio.to_thread(admin.execute, _CUT)

    async def find_live(self) -> None:
        """Another replica goes on with what nobody knows of whose connection was cut."""
        known = {run.id for run, *_ in self.live}
        for run in await self.conversation.running():
            if run.id not in known:
                before = {
                    one.run_id: one for one in await self.conversation.messages(all_paths=True)
                }
                prefix = before[run.continues].content if run.continues else ""
                taken = await self.conversation.take_over(run)
                self._begun(taken, prefix)

    async def change(self, _: list[Message]) -> None:
        """One thing or two of what is set of the conversation."""
        values: dict[str, Any] = {
            "title": self.text("title"),
            "folder": self.random.choice((None, "work", "home")),
            "pinned": self.random.choice((True, False)),
            "archived": self.random.choice((True, False)),
        }
        chosen = self.random.sample(sorted(values), 2)
        # Also what fails may have been done.
        for name in chosen:
            self.settings[name].add(values[name])
        await self.conversation.change(SessionChange(**{name: values[name] for name in chosen}))

    async def take_over(self, _: list[Message]) -> None:
        """Whoever had it is told that it is not theirs any more."""
        if self.live:
            run, prefix, text = self.live.pop(self.random.randrange(len(self.live)))
            taken = await self.conversation.take_over(run)
            if taken is None:
                self.unsaved.add(run.id)
                return
            self.live.append((taken, prefix, text))
            assert not await self.conversation.tries_to_end(run, "stale", prefix=prefix)

    async def export(self, _: list[Message]) -> None:
        """Whatever goes on meanwhile, a file has the tree of one moment."""
        conversation = self.conversation
        file = await exported(
            conversation.chat.open_transaction, conversation.caller, conversation.id
        )
        for one in without_ids(file):
            by_order = {message["order"]: message for message in one["messages"]}
            assert all(
                message["parent"] is None or message["parent"] in by_order
                for message in one["messages"]
            )
            path = [message for message in one["messages"] if message["chosen"]]
            assert [message["parent"] for message in path] == [
                None,
                *(message["order"] for message in path),
            ][: len(path)]

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
        try:
            await self.conversation.delete_message(message_id)
        except _IN_THE_WAY:
            return
        except DatabaseUnavailable:
            # Nobody knows whether it was.
            self.deleted.add(message_id)
            raise
        self.deleted.add(message_id)

    async def clear(self, _: list[Message]) -> None:
        try:
            await self.conversation.ends.clear(self.conversation.caller, self.conversation.id)
        except _IN_THE_WAY:
            return
        except DatabaseUnavailable:
            self.clears += 1
            raise
        self.clears += 1

    async def put_away(self, _: list[Message]) -> None:
        """Deletes the conversation, so that it can be restored."""
        conversation = self.conversation
        await conversation.ends.delete(conversation.caller, conversation.id, permanent=False)

    async def take_back(self, _: list[Message]) -> None:
        conversation = self.conversation
        await conversation.ends.restore(conversation.caller, conversation.id)

    async def run_out_amid(self, messages: list[Message], admin: psycopg.Connection[Any]) -> None:
        """The time of a temporary conversation, while tabs act on it: either it goes, or it goes on."""
        conversation = self.conversation
        admin.execute(_RUN_OUT, [conversation.id])
        results = await asyncio.gather(
            *(self.act(messages) for _ in range(_TABS)),
            conversation.purge(),
            return_exceptions=True,
        )
        assert [one for one in results if one is not None] == []
        for _ in range(len(self.live)):
            await self.finish([])
        admin.execute(_RUN_OUT, [conversation.id])
        await conversation.purge()

    async def delete_for_good_amid(self, messages: list[Message]) -> None:
        """The conversation, while the other tabs act on it."""
        conversation = self.conversation
        results = await asyncio.gather(
            *(self.act(messages) for _ in range(_TABS)),
            conversation.ends.delete(conversation.caller, conversation.id, permanent=True),
            return_exceptions=True,
        )
        assert [one for one in results if one is not None] == []
        for _ in range(len(self.live)):
            await self.finish([])
        # A replica dies between two steps of it, and another one goes on.
        with pytest.raises(SystemExit):
            await conversation.purge(steps=self.random.randrange(4))
        await conversation.purge()

    async def fork(self, messages: list[Message]) -> None:
        message_id = self.random.choice([None, *(one.id for one in messages)])
        forked = self.conversation.of(await self.conversation.fork(message_id))
        path = await forked.messages()
        assert path == await forked.messages(all_paths=True)
        self.forks[forked.id] = [one.content for one in path]

    def _is_first_line(self, title: str) -> bool:
        return not title or title.startswith(("question ", "edited "))

    def _begun(self, run: Any, prefix: str) -> None:
        self.live.append((run, prefix, self.text(" and on" if prefix else "answer")))

    async def check(self, admin: psycopg.Connection[Any]) -> None:
        """The tree is whole, one path is chosen, and every text is there but for what was deleted."""
        messages = list(await self.conversation.messages(all_paths=True))
        by_id = {one.id: one for one in messages}
        orders = [one.order for one in messages]
        gone = admin.execute(
            'SELECT id, content, "order", parent_order, taken_in FROM gone WHERE session_id = %s',
            [self.conversation.id],
        ).fetchall()
        # Each given once, to what is there or was; each of what is gone was deleted, or what it followed was.
        assert sorted({*orders, *(one.order for one in gone)}) == sorted(
            [*orders, *(one.order for one in gone)]
        )
        # What was cleared was all that there was.
        cleared = {
            one.taken_in
            for one in gone
            if one.id not in self.deleted
            and (one.parent_order, one.taken_in)
            not in {(other.order, other.taken_in) for other in gone}
        }
        assert len(cleared) <= self.clears
        last = max((one.order for one in gone if one.taken_in in cleared), default=0)
        assert all(order > last for order in orders)
        assert self.unsaved <= set(self.conversation.dropped)
        session = await self.conversation.session()
        assert session.message_count == len(messages)
        now = {
            "title": session.title,
            "folder": session.folder,
            "pinned": session.pinned,
            "archived": session.archived_at is not None,
        }
        for name, value in now.items():
            may_be = self.settings[name]
            assert value in may_be or (name == "title" and self._is_first_line(value)), (
                name,
                value,
            )
            # What others had set before is not there any more.
            self.settings[name] = {value}
        for one in messages:
            parent = None if one.parent_id is None else by_id[one.parent_id]
            assert (0 if parent is None else parent.order) == one.parent_order < one.order
            if parent is not None:
                assert one.role is Role.USER or parent.role is Role.USER
                assert parent.chosen or not one.chosen
            siblings = [other.id for other in messages if other.parent_id == one.parent_id]
            assert list(one.variants) == siblings
            assert sum(by_id[other].chosen for other in siblings) <= 1
        for forked, told in self.forks.items():
            path = await self.conversation.of(forked).messages()
            assert [one.content for one in path] == told
            assert _is_path_of(told, [*messages, *gone])
        path = [one for one in messages if one.chosen]
        assert path == list(await self.conversation.messages())
        assert [one.parent_id for one in path] == [None, *(one.id for one in path)][: len(path)]
        said = [one.content for one in [*messages, *gone]]
        for text in self.kept:
            assert any(told.startswith(text) for told in said), text


def _is_path_of(told: list[str], messages: list[Any]) -> bool:
    """Whether that is what some message and all above it said; an answer that was gone on with says more since."""
    by_order = {one.order: one for one in messages}

    def says(one: Any, left: int) -> bool:
        if left < 0:
            return one is None
        return (
            one is not None
            and str(one.content).startswith(told[left])
            and says(by_order.get(one.parent_order), left - 1)
        )

    return not told or any(says(one, len(told) - 1) for one in messages)


@pytest.fixture
def admin(conversation: Conversation) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        conversation.chat.urls.admin, autocommit=True, row_factory=namedtuple_row
    ) as connection:
        connection.execute(_WATCH)
        yield connection


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=[pytest.mark.slow] if 4 <= seed < _USUAL else [])
        for seed in range(_SEEDS)
    ],
)
async def test_whatever_tabs_do_at_once_the_tree_is_whole_and_every_text_is_there(
    conversation: Conversation, stranger: Caller, admin: psycopg.Connection[Any], seed: int
) -> None:
    temporary, cuts = seed % 4 == 3, seed % 2 == 1
    tabs = Tabs(await conversation.temporary() if temporary else conversation, seed)
    conversation = tabs.conversation
    messages: list[Message] = []
    for _ in range(_STEPS):
        messages = list(await conversation.messages(all_paths=True))
        acts = [tabs.act(messages) for _ in range(_TABS)]
        if cuts:
            acts.append(tabs.cut(admin))
        results = await asyncio.gather(*acts, return_exceptions=True)
        assert [one for one in results if one is not None] == []
        await tabs.take_back([])
        if cuts:
            await tabs.find_live()
        await tabs.check(admin)
    for _ in range(len(tabs.live)):
        await tabs.finish([])
    await tabs.check(admin)
    assert tabs.live == []
    file = await exported(conversation.chat.open_transaction, conversation.caller, conversation.id)
    await imported(conversation.chat.open_transaction, stranger, file)
    (copied,) = without_ids(await exported(conversation.chat.open_transaction, stranger))
    assert [copied] == without_ids(file)
    assert len(copied["messages"]) == (await conversation.session()).message_count
    if temporary:
        await tabs.run_out_amid(messages, admin)
    else:
        await tabs.delete_for_good_amid(messages)
    left = admin.execute(_LEFT, {"id": conversation.id}).fetchall()
    assert [one.what for one in left if one.number] == []
    for forked, told in tabs.forks.items():
        assert [one.content for one in await conversation.of(forked).messages()] == told
    assert without_ids(await exported(conversation.chat.open_transaction, stranger)) == [copied]
