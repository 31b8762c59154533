"""What goes in and out of conversations, while something else is done to it: seeded races on two replicas of everything."""

import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from chassis.ids import new_id
from chassis.testing.eventually import eventually
from parley_local.model_server.texts import text_of
from tests.client import PASSWORD, User, text_of_events
from tests.traces import MEMORIALS, redis_keys, tables_about

from .cluster import Cluster

pytestmark = pytest.mark.faults

API = "/api/v1"
#: Of the seeds of `make faults`, one in so many draws each of these races.
_SHARE = 20
_AT_ONCE = 200
_LATER = {503, 504}
_ERASED_SECONDS = 90.0
# A killed reader's lease, twice, and the reading.
_IMPORTED_SECONDS = 150.0
#: From its answer on a revoked share is gone everywhere.
_REVOKED_SECONDS = 1.0
_WORDS = ("alpha", "gamma", "delta")
_MASK = "＊"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "draw" in metafunc.fixturenames:
        metafunc.parametrize("draw", range(max(1, metafunc.config.getoption("--seeds") // _SHARE)))


class Terms:
    """The operator's files of a cluster."""

    def __init__(self, folder: Path) -> None:
        self._files, self._words, self._usage = (
            folder / name for name in ("files.yaml", "words.yaml", "usage.toml")
        )
        self.stored = folder / "stored"
        self.let_files(1_000_000)
        self.mask()
        self.limit()

    @property
    def settings(self) -> dict[str, str]:
        return {
            "CHAT_FILES_FILE": str(self._files),
            "CHAT_WORDS_FILE": str(self._words),
            "CHAT_USAGE_FILE": str(self._usage),
        }

    def let_files(self, maximum: int) -> None:
        _put(self._files, f"files: {{maximum_bytes: {maximum}, folder: {self.stored}}}")

    def mask(self, *words: str) -> None:
        rules = [{"action": "mask", "words": list(words)}] if words else []
        _put(self._words, json.dumps({"rules": rules}))

    def limit(self, *users: str, tokens: int = 0) -> None:
        told = f"[[limits]]\nperiod = 'day'\ntokens = {tokens}\nown = true\nusers = {list(users)}\n"
        _put(self._usage, told if users else "# none")


def _put(path: Path, content: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(content)
    fresh.replace(path)


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    return Terms(tmp_path_factory.mktemp("terms"))


@pytest.fixture(scope="module")
def started(terms: Terms, tmp_path_factory: pytest.TempPathFactory) -> Any:
    cluster = Cluster(tmp_path_factory.mktemp("in-and-out"), settings=terms.settings)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest_asyncio.fixture
async def cluster(started: Cluster) -> AsyncIterator[Cluster]:
    pool = ThreadPoolExecutor(_AT_ONCE)
    asyncio.get_running_loop().set_default_executor(pool)
    await started.settle()
    yield started
    pool.shutdown(wait=False)


@pytest.fixture
def user(cluster: Cluster) -> Any:
    user = cluster.user()
    user.create_key(cluster.model_url, "echo")
    yield user
    user.close()


class Client:
    """The user at both gateways, by turns, in threads."""

    def __init__(self, cluster: Cluster, user: User) -> None:
        headers = {"Authorization": f"Bearer {user.token}"}
        limits = httpx.Limits(max_connections=_AT_ONCE)
        self.https = [
            httpx.Client(
                base_url=f"{url}{API}", headers=headers, timeout=60, verify=False, limits=limits
            )
            for url in cluster.gateways
        ]

    async def ask(self, method: str, path: str, *, at: int = 0, **more: Any) -> httpx.Response:
        return await asyncio.to_thread(partial(self.https[at].request, method, path, **more))

    def close(self) -> None:
        for http in self.https:
            http.close()


@pytest.fixture
def client(cluster: Cluster, user: User) -> Any:
    client = Client(cluster, user)
    yield client
    client.close()


def hang_up(cluster: Cluster, *modules: str) -> None:
    """Has every process of these read its files anew."""
    for module in modules:
        for member in cluster.members(module):
            member.process.send_signal(signal.SIGHUP)


async def has_taken(cluster: Cluster, subject: str, change: Callable[[], None]) -> None:
    """Change a file of the operator's, and return once both replicas have taken it."""
    taken = (f"chat_{subject}_file_reads_total", '{outcome="taken"}')
    members = cluster.members("chat_service")
    before = [member.metric(*taken) for member in members]
    change()
    hang_up(cluster, "chat_service")
    await eventually(
        lambda: all(
            member.metric(*taken) > read for member, read in zip(members, before, strict=True)
        ),
        timeout=30,
    )


def export_of(conversations: int, mark: str, messages: int = 6) -> bytes:
    """As ChatGPT writes one."""
    return json.dumps(
        [_conversation(f"{mark}-{number}", messages) for number in range(conversations)]
    ).encode()


def _conversation(key: str, messages: int) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": ["0"]}
    }
    for place in range(messages):
        nodes[str(place)] = {
            "id": str(place),
            "parent": str(place - 1) if place else "root",
            "children": [str(place + 1)] if place + 1 < messages else [],
            "message": {
                "id": f"{key}-{place}",
                "author": {"role": "assistant" if place % 2 else "user"},
                "create_time": 1_790_000_000 + place,
                "content": {"content_type": "text", "parts": [f"{key} {place} " + "x" * 2_000]},
            },
        }
    return {
        "title": key,
        "create_time": 1_790_000_000,
        "mapping": nodes,
        "current_node": str(messages - 1),
        "conversation_id": key,
    }


async def import_ended(client: Client, import_id: str) -> dict[str, Any]:
    told: dict[str, Any] = {}

    async def has_ended() -> bool:
        answer = await client.ask("GET", f"/chat/imports/{import_id}", at=random.randrange(2))
        if answer.status_code == 200:
            told.update(answer.json())
        return bool(told.get("ended_at"))

    await eventually(has_ended, timeout=_IMPORTED_SECONDS, ignoring=(httpx.TransportError,))
    return told


async def test_a_share_is_there_at_once_and_gone_a_second_after_it_was_revoked(
    cluster: Cluster, user: User, client: Client, draw: int
) -> None:
    chance = random.Random(draw)
    session = user.create_session(title="Shown")
    user.ask(session, "What is shared?")
    made = (await client.ask("POST", f"/chat/sessions/{session}/shares", json={})).json()
    revoked_at = float("inf")
    reads = Counter[int]()

    async def read(number: int) -> None:
        # Who reads is somewhere else each time: an address may read so many in a minute.
        transport = httpx.HTTPTransport(local_address=f"127.0.{100 + draw}.{1 + number}")
        url = f"{cluster.gateways[number % 2]}{API}/shares/{made['token']}"
        with httpx.Client(transport=transport, timeout=60, verify=False) as reader:
            while time.monotonic() < revoked_at + _REVOKED_SECONDS + 0.5:
                await read_once(partial(reader.get, url))
                await asyncio.sleep(0.02)

    async def read_once(get: Callable[[], httpx.Response]) -> None:
        began = time.monotonic()
        status = (await asyncio.to_thread(get)).status_code
        reads[status] += 1
        if began > revoked_at + _REVOKED_SECONDS:
            assert status == 404
        elif time.monotonic() < asked_at:
            assert status == 200

    asked_at = float("inf")
    readers = [asyncio.create_task(read(number)) for number in range(4)]
    await asyncio.sleep(chance.random())
    asked_at = time.monotonic()
    every = chance.random() < 0.5
    path = "/chat/shares" if every else f"/chat/shares/{made['id']}"
    assert (await client.ask("DELETE", path, at=chance.randrange(2))).status_code == 204
    revoked_at = time.monotonic()
    await asyncio.gather(*readers)
    assert reads.keys() == {200, 404}


async def test_no_kept_answer_outlives_what_it_was_said_in(
    cluster: Cluster, user: User, client: Client, draw: int
) -> None:
    chance = random.Random(draw)
    before = redis_keys(cluster)
    question = {"content": f"Once {new_id().hex}", "cache": True}

    async def ask(at: int) -> dict[str, Any]:
        answer = await client.ask("POST", "/chat/messages", at=at, json=question)
        return answer.json() if answer.status_code == 200 else {}

    first = await ask(0)
    assert first["run"]["cache"] == "miss"

    async def is_hit() -> bool:
        return bool((await ask(1))["run"]["cache"] == "hit")

    await eventually(is_hit, timeout=30)
    asking = [asyncio.create_task(ask(number % 2)) for number in range(6)]
    await asyncio.sleep(chance.random() * 0.3)
    if draw % 2:
        gone = await client.ask(
            "DELETE",
            f"/chat/sessions/{first['run']['session_id']}?permanent=true",
            at=draw // 2 % 2,
        )
        assert gone.status_code == 204, gone.text
        await asyncio.gather(*asking)
        assert (await ask(chance.randrange(2)))["run"]["cache"] == "miss"
    else:
        gone = await client.ask("DELETE", "/me", json={"password": PASSWORD})
        assert gone.status_code == 202, gone.text
        await asyncio.gather(*asking)
        await eventually(lambda: tables_about(cluster, user.id) <= MEMORIALS, _ERASED_SECONDS)
        await eventually(lambda: not redis_keys(cluster) - before, _ERASED_SECONDS)


async def test_a_limit_is_not_passed_by_two_hundred_questions_at_once(
    cluster: Cluster, user: User, client: Client, terms: Terms, draw: int
) -> None:
    allowed = 50 + draw
    await has_taken(cluster, "usage", lambda: terms.limit(user.id, tokens=allowed))
    answers = await asyncio.gather(
        *(
            client.ask("POST", "/chat/messages", at=number % 2, json={"content": "How much?"})
            for number in range(_AT_ONCE)
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
    # On a machine that is busy some are told to try again, also of those that are answered meanwhile.
    whole = seen[200, None]
    put_off = sum(number for (status, _), number in seen.items() if status in _LATER)
    assert whole <= answered <= whole + put_off, seen
    assert {status for status, _ in seen} - _LATER == {200, 429}
    print(f"{answered} answered of {_AT_ONCE}: {told['used']} of {allowed} tokens; {seen}")


async def test_an_import_goes_on_wherever_a_replica_is_killed(
    cluster: Cluster, user: User, client: Client, draw: int
) -> None:
    if draw % 4:
        pytest.skip("of four draws one, since each takes a lease's time")
    chance = random.Random(draw)
    file = export_of(400, new_id().hex)
    sending = asyncio.create_task(
        client.ask("POST", "/chat/import", files={"file": ("c.json", file)})
    )
    if chance.random() < 0.3:
        await asyncio.sleep(chance.random() * 0.1)
        cluster.members("chat_service")[chance.randrange(2)].process.kill()
    sent = await sending
    while sent.status_code != 202:
        assert sent.status_code in {429, 502, 503}, sent.text
        await cluster.settle()
        sent = await client.ask("POST", "/chat/import", files={"file": ("c.json", file)})
    for _ in range(2):
        await asyncio.sleep(chance.random() * 3)
        cluster.members("chat_service")[chance.randrange(2)].process.kill()
        await cluster.settle()
    told = await import_ended(client, sent.json()["id"])
    assert (told["state"], told["reason"], told["added"]) == ("completed", None, 400)
    assert cluster.query(
        "SELECT count(*), count(DISTINCT title), min(message_count), max(message_count) FROM sessions WHERE user_id = %s",
        user.id,
    ) == [(400, 400, 6, 6)]  # fmt: skip
    again = await client.ask("POST", "/chat/import", files={"file": ("c.json", file)}, at=1)
    told = await import_ended(client, again.json()["id"])
    assert (told["added"], told["existing"]) == (0, 400)

    def nothing_is_held() -> bool:
        return cluster.query("SELECT count(*) FROM import_pieces WHERE user_id = %s", user.id) == [
            (0,)
        ]

    await eventually(nothing_is_held, timeout=60)


async def test_of_an_import_nothing_outlives_its_user(
    cluster: Cluster, user: User, client: Client, draw: int
) -> None:
    chance = random.Random(draw)
    file = export_of(200, new_id().hex)
    sent = await client.ask("POST", "/chat/import", files={"file": ("c.json", file)}, at=1)
    assert sent.status_code == 202
    await asyncio.sleep(chance.random() * 2)
    gone = await client.ask("DELETE", "/me", json={"password": PASSWORD})
    assert gone.status_code == 202, gone.text
    erasure = gone.json()["erasure_id"]

    async def is_told() -> bool:
        told = (await client.ask("GET", f"/erasures/{erasure}")).json()
        return bool(all(one["erased_at"] for one in told["services"]))

    await eventually(is_told, timeout=_ERASED_SECONDS)
    # From the receipt on nothing of it is there, nor comes.
    assert tables_about(cluster, user.id) <= MEMORIALS


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
