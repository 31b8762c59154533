"""Erasure under fault: whatever is away, doubled, late or just being saved, nothing is left."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import nats
import psutil
import pytest
from nats.js import JetStreamContext

from chassis.ids import new_id
from chassis.testing.eventually import eventually

from .client import PASSWORD, SignUp, User
from .stack import Stack
from .traces import MEMORIALS, redis_keys, rows_about, tables_about

OTHERS = {"apikey-service", "chat-service", "notes-service"}
RECOVERY_SECONDS = 60.0
ACCESS_SECONDS = 5.0


def _settle_in(stack: Stack, sign_up: SignUp, model: str = "tokens-20") -> User:
    """A new user with something in every service."""
    user = sign_up(stack)
    user.create_key(stack.model_url, model)
    note = user.http.post("/api/v1/notes", json={"title": "A note", "content": _note_of(user)})
    assert note.status_code == 201
    user.create_session(title="A session")
    sent = user.http.post("/api/v1/files", files={"file": ("a.txt", _note_of(user).encode())})
    assert sent.status_code == 201
    assert _files_of(stack, user)
    name = f"{_note_of(user)}.json"
    sent = user.http.post("/api/v1/chat/import", files={"file": (name, _note_of(user).encode())})
    assert sent.status_code == 202
    return user


def _files_of(stack: Stack, user: User) -> list[Path]:
    """What is stored of the user's files."""
    return list((stack.data / "files").glob(f"{user.id}/*"))


def _note_of(user: User) -> str:
    return f"of {user.username}"


def _delete(user: User) -> str:
    gone = user.http.request("DELETE", "/api/v1/me", json={"password": PASSWORD})
    assert gone.status_code == 202, gone.text
    erasure_id: str = gone.json()["erasure_id"]
    return erasure_id


def _receipt(stack: Stack, erasure_id: str) -> dict[str, Any]:
    receipt: dict[str, Any] = httpx.get(
        f"{stack.url}/api/v1/erasures/{erasure_id}", verify=False
    ).json()
    return receipt


def _confirmed(stack: Stack, erasure_id: str) -> set[str]:
    services = _receipt(stack, erasure_id)["services"]
    return {service["name"] for service in services if service["erased_at"] is not None}


async def _completed(stack: Stack, *erasure_ids: str) -> float:
    """Wait until every service has confirmed; how long that took, seconds."""
    began = time.monotonic()

    def all_of_them() -> bool:
        # The gateway may be looking for a service that was killed.
        with suppress(KeyError, httpx.TransportError):
            return all(_receipt(stack, one)["status"] == "completed" for one in erasure_ids)
        return False

    await eventually(all_of_them, RECOVERY_SECONDS)
    return time.monotonic() - began


def _is_refused(user: User, path: str) -> bool:
    return user.http.get(path).status_code == 401


async def _access_ends(user: User) -> None:
    for path in ("/api/v1/me", "/api/v1/notes", "/api/v1/keys", "/api/v1/chat/sessions"):
        await eventually(partial(_is_refused, user, path), ACCESS_SECONDS)


def _has_logs(stack: Stack, before: set[bytes], count: int) -> bool:
    return len(redis_keys(stack) - before) >= count


def _assert_nothing_is_left(stack: Stack, *users: User) -> None:
    for user in users:
        assert _files_of(stack, user) == []
        assert tables_about(stack, user.id) <= MEMORIALS
        for service in ("auth", "apikey", "chat", "notes"):
            assert rows_about(stack, service, user.username, user.email) == []


async def _deletions(stream: JetStreamContext) -> list[bytes]:
    """The payload of each `user.deleted` in the stream, in order."""
    info = await stream.stream_info("parley_events", subjects_filter="parley.user.deleted")
    assert info.state.last_seq is not None
    found = []
    for number in range(info.state.first_seq or 1, info.state.last_seq + 1):
        message = await stream.get_msg("parley_events", number)
        if message.subject == "parley.user.deleted" and message.data:
            found.append(message.data)
    return found


@pytest.mark.slow
async def test_nats_away_at_the_deletion_delays_it_and_takes_nothing_from_it(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    stack = mortal_stack
    user = _settle_in(stack, sign_up)
    server = stack.server("nats-server")
    server.suspend()

    erasure_id = _delete(user)

    # Who is gone is out everywhere at once, although no service has heard of the deletion.
    await _access_ends(user)
    assert _confirmed(stack, erasure_id) == {"auth-service"}
    assert rows_about(stack, "notes", _note_of(user))
    # The frozen one dies; the runner starts another.
    server.kill()
    took = await _completed(stack, erasure_id)
    print(f"complete {took:.1f} s after NATS was killed")
    _assert_nothing_is_left(stack, user)


@pytest.mark.slow
async def test_events_that_come_doubled_in_the_wrong_order_and_late_change_nothing(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    stack = mortal_stack
    users = [_settle_in(stack, sign_up) for _ in range(3)]
    bystander = _settle_in(stack, sign_up)
    erasure_ids = [_delete(user) for user in users]
    await _completed(stack, *erasure_ids)
    receipts = [_receipt(stack, one) for one in erasure_ids]

    client = await nats.connect(stack.nats_url)
    stream = client.jetstream()
    told = await _deletions(stream)
    assert len(told) >= 3
    for payload in [*reversed(told), *told]:
        await stream.publish("parley.user.deleted", payload, headers={"Nats-Msg-Id": str(new_id())})

    async def all_handled() -> bool:
        consumers = [
            await stream.consumer_info("parley_events", f"{service}-user-deleted")
            for service in OTHERS
        ]
        return all(
            consumer.num_pending == 0 and consumer.num_ack_pending == 0 for consumer in consumers
        )

    await eventually(all_handled, 30)
    await client.close()
    # What was confirmed first counts.
    assert [_receipt(stack, one) for one in erasure_ids] == receipts
    _assert_nothing_is_left(stack, *users)
    assert len(bystander.http.get("/api/v1/notes").json()["items"]) == 1
    assert tables_about(stack, bystander.id) > MEMORIALS & {"users"}


@pytest.mark.slow
async def test_a_poison_event_is_set_aside_everywhere_and_the_next_deletion_completes(
    mortal_stack: Stack, sign_up: SignUp
) -> None:
    stack = mortal_stack
    user = _settle_in(stack, sign_up)
    client = await nats.connect(stack.nats_url)
    await client.jetstream().publish("parley.user.deleted", b"\xff")
    await client.close()

    took = await _completed(stack, _delete(user))
    print(f"complete {took:.1f} s behind a poison event")

    assert took < 30
    _assert_nothing_is_left(stack, user)
    await asyncio.gather(*(_holds_one_letter(stack, service) for service in OTHERS))


async def _holds_one_letter(stack: Stack, service: str) -> None:
    """It is listed, fails again when it is replayed, and is gone once it is dropped."""

    async def command(*words: str) -> CompletedProcess[str]:
        return await asyncio.to_thread(stack.command, service, "dead-letters", *words)

    listed = await command("list")
    assert (listed.returncode, listed.stderr) == (0, "")
    letter = json.loads(listed.stdout)
    assert (letter["consumer"], letter["subject"]) == (
        f"{service}-user-deleted",
        "parley.user.deleted",
    )
    replayed = await command("replay", letter["id"])
    assert (replayed.returncode, "it failed again" in replayed.stderr) == (1, True)
    assert (await command("drop", letter["id"])).returncode == 0
    assert (await command("list")).stdout == ""


@pytest.mark.parametrize("chat_is_killed", [pytest.param(False, marks=pytest.mark.slow), True])
async def test_services_down_and_answers_being_saved_at_the_deletion(
    mortal_stack: Stack, sign_up: SignUp, chat_is_killed: bool
) -> None:
    stack = mortal_stack
    before = redis_keys(stack)
    user = _settle_in(stack, sign_up, "tokens-60-at-100")
    session_ids = [user.create_session(title=f"Session {number}") for number in range(8)]

    def ask(session_id: str) -> None:
        # Cut off or refused in the end: who deletes their account gets no answer.
        with suppress(httpx.HTTPError, AssertionError, KeyError):
            user.ask(session_id, "What do you see?")

    frozen: list[psutil.Process] = []
    with ThreadPoolExecutor(len(session_ids)) as pool:
        asked = []
        for number, session_id in enumerate(session_ids):
            asked.append(pool.submit(ask, session_id))
            # Runs of six tenths of a second, begun one after the other: some are being saved.
            await eventually(partial(_has_logs, stack, before, number + 1))
        for module in ("notes_service", "apikey_service"):
            service = stack.service(module)
            service.suspend()
            frozen.append(service)
        erasure_id = _delete(user)
        for service in frozen:
            service.kill()
        if chat_is_killed:  # in the midst of erasing, or of saving
            stack.service("chat_service").kill()
        took = await _completed(stack, erasure_id)
        print(f"complete {took:.1f} s after the services were killed")
        for one in asked:
            await asyncio.to_thread(one.result)

    await eventually(lambda: not redis_keys(stack) - before, RECOVERY_SECONDS)
    _assert_nothing_is_left(stack, user)
    for session_id in session_ids:
        assert rows_about(stack, "chat", session_id) == []
