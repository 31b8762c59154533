"""Tabs that act on one conversation at once, through two gateways, while its owner is killed, by seed."""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import namedtuple_row

from chassis.testing.eventually import eventually
from tests.client import User

from .cluster import Cluster
from .reader import Reader, Refused

pytestmark = pytest.mark.slow

_TABS = 3
_ROUNDS = 6
# To find the owner of a run, which lasts half a second.
_TRIES = 10
_MODEL = "tokens-40-at-80"
_API = "/api/v1/chat"
# What one tab may be told because of what another one does, or because a process is gone.
_IN_THE_WAY = (404, 409, 502, 503, 504)
# What is deleted, seen by the database itself.
_WATCH = """
CREATE TABLE {name} (LIKE {of});
CREATE FUNCTION note_{name}() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.{name} SELECT OLD.*; RETURN NULL; END $$;
CREATE TRIGGER note_{name} AFTER DELETE ON {of} FOR EACH ROW EXECUTE FUNCTION note_{name}();
"""
_UNWATCH = """
DROP TRIGGER note_{name} ON {of};
DROP FUNCTION note_{name};
DROP TABLE {name};
"""
_WATCHED = (("gone_messages", "messages"), ("gone_runs", "runs"))


# Rows of a table, and of the conversation with this id, that were deleted.
Watch = Callable[[str, str], list[Any]]
# What a tab does by way of a gateway, with a message; whether it was done.
Action = Callable[[int, dict[str, Any]], bool]


class Conversation:
    """One conversation, what tabs were told was kept of it, and what of answers they were shown."""

    def __init__(self, cluster: Cluster, user: User, seed: int, watch: Watch) -> None:
        self.watch = watch
        key = user.create_key(cluster.model_url, _MODEL)
        self.cluster, self.user = cluster, user
        self.session_id = user.create_session(key_id=key["id"])
        self.random = random.Random(seed)
        self.kept: list[str] = []
        self.readers: list[Reader] = []
        #: Messages that were asked to be deleted, and of which it was said that they are.
        self.asked: set[str] = set()
        self.deleted: set[str] = set()
        self.done: list[str] = []
        self._texts = 0

    @property
    def path(self) -> str:
        return f"{_API}/sessions/{self.session_id}"

    def text(self, what: str) -> str:
        self._texts += 1
        return f"{what} {self._texts}."

    def messages(self) -> list[dict[str, Any]]:
        answer = self.user.http.get(f"{self.path}/messages?path=all&limit=100")
        assert answer.status_code in (200, *_IN_THE_WAY), answer.text
        return list(answer.json()["items"]) if answer.status_code == 200 else []

    def seen(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What tabs that see these messages act on: half of the time all on the same one."""
        if messages and self.random.random() < 0.5:
            return [self.random.choice(messages)]
        return messages

    async def act(self, messages: list[dict[str, Any]]) -> None:
        """What one tab does that sees these messages, which may be off the path or gone by then."""
        choices: list[Action] = [self.ask, self.ask, self.remove]
        if messages:
            choices += [self.regenerate, self.regenerate, self.edit, self.edit, self.choose]
            choices += [self.delete]
        action = self.random.choice(choices)
        gateway = self.random.randrange(2)
        message = self.random.choice(messages) if messages else {}
        if await asyncio.to_thread(action, gateway, message):
            self.done.append(action.__name__)

    def ask(self, gateway: int, _: dict[str, Any]) -> bool:
        return self._stream(gateway, f"{self.path}/messages", self.text("Asked"))

    def regenerate(self, gateway: int, message: dict[str, Any]) -> bool:
        return self._stream(gateway, f"{self.path}/messages/{message['id']}/regenerate", None)

    def edit(self, gateway: int, message: dict[str, Any]) -> bool:
        path, text = f"{self.path}/messages/{message['id']}/edit", self.text("Edited")
        if message["role"] == "user":
            return self._stream(gateway, path, text)
        if kept := self._send(gateway, "POST", path, json={"content": text}):
            self.kept.append(text)
        return kept

    def choose(self, gateway: int, message: dict[str, Any]) -> bool:
        return self._send(gateway, "POST", f"{self.path}/messages/{message['id']}/choose")

    def delete(self, gateway: int, message: dict[str, Any]) -> bool:
        """Take the message away, with all that follows it."""
        self.asked.add(message["id"])
        if deleted := self._send(gateway, "DELETE", f"{self.path}/messages/{message['id']}"):
            self.deleted.add(message["id"])
        return deleted

    def remove(self, gateway: int, _: dict[str, Any]) -> bool:
        """Delete the conversation, and take that back at once, as somebody does who undoes."""
        deleted = self._send(gateway, "DELETE", self.path)
        return self._send(gateway, "POST", f"{self.path}/restore") and deleted

    def _stream(self, gateway: int, path: str, content: str | None) -> bool:
        reader = Reader(self.cluster.gateways, self.user.token)
        body = {} if content is None else {"content": content}
        try:
            reader.begin(path, body, gateway=gateway)
        except Refused as refused:
            if refused.status not in _IN_THE_WAY:
                raise
            return False
        except OSError:
            return False  # gone before it was accepted, or before that was said
        self.readers.append(reader)
        if content is not None:
            self.kept.append(content)
        return True

    def _send(self, gateway: int, method: str, path: str, **options: Any) -> bool:
        headers = {"Authorization": f"Bearer {self.user.token}"}
        base = self.cluster.gateways[gateway]
        with httpx.Client(base_url=base, headers=headers, timeout=60, verify=False) as http:
            answer = http.request(method, path, **options)
        assert answer.status_code in (200, 204, *_IN_THE_WAY), answer.text
        return answer.is_success

    async def end(self) -> None:
        """Return when nothing is generated any more, and the conversation is there."""

        def is_there() -> bool:
            self._send(0, "POST", f"{self.path}/restore")
            return self.user.http.get(self.path).status_code == 200

        def is_quiet() -> bool:
            live = self.user.http.get(f"{_API}/runs?live=true")
            return live.status_code == 200 and live.json()["items"] == []

        await eventually(is_there, timeout=60)
        await eventually(is_quiet, timeout=60)

    def check(self) -> None:
        """The tree is whole, one path is chosen, and whatever was kept or shown is there but for what was deleted."""
        messages = self.messages()
        by_id = {one["id"]: one for one in messages}
        gone, gone_runs = (self.watch(name, self.session_id) for name, _ in _WATCHED)
        # Each given once, to what is there or was; each of what is gone was deleted, or what it followed was.
        # A question whose last answer was deleted is the end of its path, and another one may follow it.
        left_alone = {one.parent_order for one in gone if one.role == "assistant"}
        left_alone |= {run.question_order for run in gone_runs}
        orders = [one["order"] for one in messages]
        assert orders == sorted(orders)
        gone_orders = {one.order for one in gone}
        assert len({*orders, *gone_orders}) == len(orders) + len(gone)
        for one in gone:
            assert str(one.id) in self.asked or one.parent_order in gone_orders
        for run in gone_runs:
            assert (
                str(run.answer_id) in self.asked
                or {
                    run.question_order,
                    run.answer_order,
                }
                & gone_orders
            ), f"a run is gone: {run.id}"
        assert self.deleted <= {str(one.id) for one in gone}
        for one in messages:
            parent = by_id.get(one["parent_id"])
            assert (parent is None) == (one["parent_id"] is None)
            if parent is not None:
                assert parent["order"] < one["order"]
                if parent["role"] == one["role"]:
                    assert (one["role"], parent["order"] in left_alone) == ("user", True)
                assert parent["chosen"] or not one["chosen"]
            siblings = [each for each in messages if each["parent_id"] == one["parent_id"]]
            assert one["variants"]["ids"] == [each["id"] for each in siblings]
            assert sum(each["chosen"] for each in siblings) <= 1
        path = [one for one in messages if one["chosen"]]
        assert path == self.user.messages(self.session_id)
        assert [one["parent_id"] for one in path] == [None, *(one["id"] for one in path)][:-1]
        assert bool(path) == bool(messages)
        said = [*(one["content"] for one in messages), *(one.content for one in gone)]
        for text in self.kept:
            assert text in said, f"kept, and gone: {text}"
        deleted_runs = {str(run.id) for run in gone_runs}
        for reader in self.readers:
            if reader.run_id in deleted_runs:
                continue
            answers = [one for one in messages if one["run_id"] == reader.run_id]
            assert any(one["content"].startswith(reader.text) for one in answers), (
                f"shown, and gone: {reader.text!r} of {reader.run_id}"
            )


@pytest.fixture
def watch(one_cluster: Cluster) -> Iterator[Watch]:
    url = one_cluster.database_url("chat")
    with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as admin:

        def rows(name: str, session_id: str) -> list[Any]:
            select = sql.SQL("SELECT * FROM {} WHERE session_id = %s").format(sql.Identifier(name))
            return admin.execute(select, [session_id]).fetchall()

        for name, of in _WATCHED:
            admin.execute(_WATCH.format(name=name, of=of).encode())
        yield rows
        for name, of in _WATCHED:
            admin.execute(_UNWATCH.format(name=name, of=of).encode())


async def act_and_judge(cluster: Cluster, user: User, seed: int, watch: Watch) -> None:
    conversation = Conversation(cluster, user, seed, watch)
    killed = conversation.random.randrange(1, _ROUNDS)
    hit = False
    for number in range(_ROUNDS):
        messages = conversation.seen(await asyncio.to_thread(conversation.messages))
        acting = asyncio.gather(*(conversation.act(messages) for _ in range(_TABS)))
        if number >= killed and not hit:
            hit = await _kill_the_owner(cluster, acting)
        await acting
    for _ in range(_TRIES):
        if hit:
            break
        # The tabs were in each other's way at that time: once more, with a run of its own. On a busy machine
        # that may be over, too, before its owner has been found.
        await conversation.end()
        asking = asyncio.create_task(asyncio.to_thread(conversation.ask, 0, {}))
        hit = await _kill_the_owner(cluster, asking)
        await asking
    assert hit, "the fault did not hit"
    await conversation.end()
    await asyncio.to_thread(conversation.check)
    assert len(conversation.done) >= 3, conversation.done
    await cluster.settle()


async def _kill_the_owner(cluster: Cluster, acting: "asyncio.Future[Any]") -> bool:
    """Kill the process that generates as soon as one does; whether one did while tabs acted."""
    while not acting.done():
        for member in cluster.members("chat_service"):
            if await asyncio.to_thread(member.metric, "chat_live_runs") >= 1:
                member.process.kill()
                return True
        await asyncio.sleep(0.02)
    return False


async def test_tabs_at_once_and_a_kill_leave_a_whole_tree_and_every_text(
    cluster: Cluster, user: User, watch: Watch
) -> None:
    await act_and_judge(cluster, user, 0, watch)


@pytest.mark.faults
async def test_two_hundred_times_tabs_at_once_and_a_kill_leave_a_whole_tree_and_every_text(
    cluster: Cluster, user: User, seed: int, watch: Watch
) -> None:
    await act_and_judge(cluster, user, seed + 1, watch)
