"""A key goes everywhere a key can go, past a server that says it in every way: it is found nowhere."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from pathlib import Path
from typing import Any

import httpx
import nats
import psutil
import psycopg
import pytest
import redis

from chassis.testing.eventually import eventually
from tests.client import SignUp, User
from tests.sockets import socket_of
from tests.stack import Stack

from .canary import SPELLINGS, Canary
from .parrot import CHANNELS, STALL, Parrot, running_parrot
from .search import found, gather

# Said in every spelling; the others in every fourth, each beginning with another.
_WHOLLY = ("401", "mid-error")


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    with running_parrot() as parrot:
        yield parrot


@dataclass
class Witness:
    """A user who writes down whatever is answered to them."""

    user: User
    evidence: Path
    _number: Iterator[int] = field(default_factory=count)

    def tell(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self.user.http.request(method, f"/api/v1{path}", **more)
        heads = b"".join(b"%b: %b\n" % head for head in answer.headers.raw)
        self.note(heads + answer.content)
        return answer

    def create(self, key: Canary, house: Canary, **more: Any) -> dict[str, Any]:
        body = {"api_key": key.text, "headers": {"X-House": house.text}, **more}
        answer = self.tell("POST", "/keys", json=body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def note(self, said: bytes) -> None:
        (self.evidence / f"answer {self.user.username} {next(self._number)}").write_bytes(said)


async def _ask_in_every_way(witness: Witness, gateway: str, models: list[str], key_id: str) -> None:
    """Each question in one of three ways, by turns: streamed, whole, over the WebSocket."""
    ways = cycle(("stream", "whole", "socket"))
    async with socket_of(gateway, witness.user) as socket:
        for model, way in zip(models, ways, strict=False):
            body = {"content": "Say it.", "key_id": key_id, "model": model}
            if way != "socket":
                accept = "text/event-stream" if way == "stream" else "application/json"
                answer = witness.tell(
                    "POST", "/chat/messages", json=body, headers={"Accept": accept}
                )
                assert answer.status_code != 500, answer.text
                continue
            accepted = await socket.ask(type="send", **body)
            assert accepted["type"] == "ack", accepted
            told = accepted
            while told.get("event") not in ("done", "error"):
                told = await socket.hear()
                witness.note(repr(told).encode() + str(told).encode())


def _keys_meet_bad_requests(witness: Witness, key: Canary, base_url: str) -> None:
    """Whatever is wrong with a request, it is answered without what was sent."""
    good = {"name": "bad", "api_key": key.text, "model": "401", "base_url": base_url}
    for changes in (
        {"api_key": f"{key.text}\u0000"},
        {"api_key": f"{key.text}é"},
        {"api_key": [key.text]},
        {"api_key": {key.text: key.text}},
        {"api_key": key.text * 300},
        {key.text: key.text},
        {"provider": key.text},
        {"parameters": {"temperature": key.text}},
        {"parameters": {key.text: 1}},
        {"fallback_key_id": key.text},
        {"headers": {"X-House": f"{key.text}\r\nX: y"}},
        {"headers": {key.text: key.text, "Host": key.text}},
        {"base_url": f"http://{key.text}"},
        {"base_url": f"ftp://u:{key.text}@example.com"},
    ):
        for path in ("/keys", "/keys/test"):
            body = {**good, **changes}
            if path == "/keys/test":
                del body["name"]
            assert witness.tell("POST", path, json=body).status_code in (422, 429)
    for content in (
        b'{"api_key": "%b' % key.text.encode(),
        key.text.encode(),
        b'["%b"]' % key.text.encode(),
    ):
        headers = {"Content-Type": "application/json"}
        answer = witness.tell("POST", "/keys", content=content, headers=headers)
        assert answer.status_code in (400, 422)
    for path in ("/keys/by-name/x", "/keys", "/keys/default", "/nothing"):
        witness.tell("GET", path, params={"api_key": key.text})


def _first_of_a_stalled_answer(witness: Witness, key_id: str, parrot: Parrot) -> None:
    """Begins an answer that stands still, and reads on until its connection is gone."""
    body = {"content": "Begin.", "key_id": key_id, "model": STALL}
    headers = {"Accept": "text/event-stream"}
    url = "/api/v1/chat/messages"
    said = b""
    try:
        with witness.user.http.stream("POST", url, json=body, headers=headers) as answer:
            for part in answer.iter_raw():
                said += part
    except httpx.HTTPError:
        pass  # a gateway that is killed is gone
    witness.note(said)


def _is_gone(process: psutil.Process) -> bool:
    return not process.is_running()


async def test_a_canary_key_is_found_nowhere_but_where_it_was_sent(
    talkative_stack: Stack, sign_up: SignUp, parrot: Parrot, evidence: Path, tmp_path: Path
) -> None:
    stack, url = talkative_stack, parrot.base_url
    created, changed, other = Canary("created"), Canary("changed"), Canary.plain("other")
    tried, refused, house = Canary("tried"), Canary("refused"), Canary("house")
    spoken = Canary("spoken")
    witness = Witness(sign_up(stack), evidence)
    tester = Witness(sign_up(stack), evidence)

    # A connection with each protocol, and one to fall back to; read, changed, listed.
    second = witness.create(other, house, name="second", model="429", base_url=url)
    first = witness.create(
        created, house, name="first", model="401", base_url=url, fallback_key_id=second["id"]
    )
    third = witness.create(
        other,
        house,
        name="third",
        model="401",
        base_url=url,
        provider="anthropic",
    )
    again = {"Idempotency-Key": "again"}
    body = {"name": "fourth", "api_key": created.text, "model": "401", "base_url": url}
    for _ in range(2):
        assert witness.tell("POST", "/keys", json=body, headers=again).status_code == 201
    assert witness.tell("POST", "/keys", json=body).status_code == 409
    for connection in (first, second, third):
        path = f"/keys/{connection['id']}"
        changes = {"api_key": changed.text, "headers": {"X-House": house.text}}
        if connection is first:
            assert witness.tell("PATCH", path, json=changes).status_code == 200
        assert witness.tell("GET", path).status_code == 200
        assert witness.tell("GET", f"{path}/models").status_code == 200
        assert witness.tell("POST", f"{path}/test").json()["ok"] is False
    assert witness.tell("PUT", "/keys/default", json={"key_id": first["id"]}).status_code == 200
    for path in ("/keys", "/keys/default", "/keys/by-name/first"):
        assert witness.tell("GET", path).status_code == 200
    for channel in [name for name in CHANNELS if name != "text"]:
        heads = {"X-House": house.text}
        unsaved = {"api_key": tried.text, "model": channel, "base_url": url, "headers": heads}
        assert tester.tell("POST", "/keys/test", json=unsaved).status_code == 200
    _keys_meet_bad_requests(witness, refused, url)

    # Wherever a server can say anything, in every spelling.
    models = [
        f"{channel}: {spelling}"
        for at, channel in enumerate(CHANNELS)
        for number, spelling in enumerate(SPELLINGS)
        if channel != "text" and (channel in _WHOLLY or (at + number) % 4 == 0)
    ]
    await _ask_in_every_way(witness, stack.url, models, first["id"])
    every_third = [model for at, model in enumerate(models) if at % 3 == 0]
    await _ask_in_every_way(witness, stack.url, every_third, third["id"])

    # A service is killed while it has the key in hand.
    with ThreadPoolExecutor(1) as pool:
        for module, number in (
            ("chat_service", signal.SIGKILL),
            ("chat_service", signal.SIGABRT),
            ("apikey_service", signal.SIGABRT),
            ("gateway", signal.SIGABRT),
        ):
            parrot.stalled.clear()
            reading = pool.submit(_first_of_a_stalled_answer, witness, first["id"], parrot)
            await eventually(parrot.stalled.is_set, 60)
            hit = stack.service(module)
            hit.send_signal(number)
            await eventually(partial(_is_gone, hit), 60)
            await stack.settle()
            if not reading.done() and module == "apikey_service":
                parrot.over.set()
            await eventually(reading.done, 120)
            parrot.over.clear()
    assert stack.output.count("Fatal Python error: Aborted") == 3

    # What a model says is its answer, whatever it says: it is shown and kept as it is.
    speaking = witness.create(spoken, spoken, name="speaking", model="text", base_url=url)
    answer = witness.user.http.post(
        "/api/v1/chat/messages", json={"content": "Speak.", "key_id": speaking["id"]}
    )
    text = f"It is {spoken.text} and {spoken.text}."
    assert answer.json()["answer"]["content"] == text
    session_id = answer.json()["run"]["session_id"]
    assert witness.user.messages(session_id)[-1]["content"] == text

    secret = (created, changed, other, tried, refused, house)
    gather(stack, evidence)
    places = found(secret, [evidence, stack.directory], tmp_path)
    assert places == {canary.name: set() for canary in secret}
    # The one that was spoken is found by the same search, where a conversation is kept.
    kept = found([spoken], [evidence], tmp_path)["spoken"]
    assert kept == {str(evidence / "rows of chat"), str(evidence / "redis")}


@pytest.mark.slow
async def test_the_search_finds_a_canary_in_every_place_and_in_every_spelling(
    talkative_stack: Stack, sign_up: SignUp, evidence: Path, tmp_path: Path
) -> None:
    stack, canary = talkative_stack, Canary("planted")
    witness = Witness(sign_up(stack), evidence)
    scratch = tmp_path / "spellings"
    scratch.mkdir()
    for spelling, spell in SPELLINGS.items():
        (scratch / spelling).write_text(f"before{spell(canary.text)}after")
    (scratch / "nothing of it").write_text(canary.text[::-1] + canary.text[:11])
    spelled = found([canary], [scratch], tmp_path)["planted"]
    assert spelled == {str(scratch / spelling) for spelling in SPELLINGS}

    piece = canary.text[7:21]
    note = witness.tell("POST", "/notes", json={"title": "n", "content": piece})
    assert note.status_code == 201
    for service in ("auth", "apikey", "chat", "notes"):
        with psycopg.connect(stack.database_url(service), autocommit=True) as database:
            database.execute("CREATE TABLE planted (bytes bytea)")
            database.execute("INSERT INTO planted VALUES (%s)", (canary.text.encode(),))
    with redis.Redis.from_url(stack.redis_url) as client:
        client.xadd("planted", {"frame": piece})
    speaker = await nats.connect(stack.nats_url)
    await speaker.jetstream().add_stream(name="planted", subjects=["planted"])
    await speaker.jetstream().publish("planted", piece.encode())
    await speaker.close()
    with (stack.directory / "output").open("a") as output:
        output.write(f'{{"event": "planted", "text": "{piece}"}}\n')
    gather(stack, evidence)

    places = found([canary], [evidence, stack.directory], tmp_path)["planted"]
    told = {place for place in places if Path(place).parent == evidence}
    answers = {str(path) for path in evidence.glob("answer *")}
    rows = {str(evidence / f"rows of {name}") for name in ("auth", "apikey", "chat", "notes")}
    assert told == {*answers, *rows, str(evidence / "redis")}
    assert str(stack.directory / "output") in places
    for server in ("postgres", "valkey", "nats"):
        assert any(Path(place).is_relative_to(stack.data / server) for place in places), server
