"""What somebody can do on NATS who has stolen the password of one service: its own work alone."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nats
import pytest
import pytest_asyncio
from nats.js import JetStreamContext

from chassis.embedded import EmbeddedNats, EmbeddedServer
from chassis.jetstream import JetStream
from chassis.testing.eventually import eventually
from parley.events.rights import CONSUMES

from .nats_users import OTHERS, SERVICES, STREAM, NatsOfBefore, Thief, forbidden_publishes, make


@pytest.fixture(scope="module", params=["compose", "make run"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    made = make(request.param, tmp_path_factory.mktemp("nats"))
    made.start()
    yield made
    made.stop()


@pytest_asyncio.fixture
async def owner(server: EmbeddedNats) -> AsyncIterator[JetStream]:
    """What auth-service keeps, with its own password; three deletions wait for everybody."""
    keeps = {
        name: subject for consumers in CONSUMES.values() for name, subject in consumers.items()
    }
    owner = JetStream(
        server.url_of("auth-service"), prefix="parley", name="auth-service", keeps=keeps
    )
    await owner.start()
    await owner.wait_ready()
    for _ in range(3):
        await owner.publish("parley.user.deleted", b"somebody", f"{id(owner)} {_}")
    yield owner
    await owner.stop()


@pytest_asyncio.fixture
async def operator(server: EmbeddedNats, owner: JetStream) -> AsyncIterator[JetStreamContext]:
    """Sees everything; empties the stream for the next test."""
    client = await nats.connect(server.url, allow_reconnect=False)
    stream = client.jetstream()
    yield stream
    await stream.delete_stream(STREAM)
    await client.close()


async def state_of(operator: JetStreamContext) -> dict[str, Any]:
    """The stream, its messages, and where each consumer stands."""
    info = await operator.stream_info(STREAM, subjects_filter=">")
    consumers = await operator.consumers_info(STREAM)
    return {
        "config": info.config.as_dict(),
        "subjects": info.state.subjects,
        "first": info.state.first_seq,
        "streams": [each.config.name for each in await operator.streams_info()],
        "consumers": {
            each.name: (
                each.config.as_dict(),
                each.num_pending,
                each.num_ack_pending,
                each.ack_floor and each.ack_floor.stream_seq,
                each.delivered and each.delivered.stream_seq,
            )
            for each in consumers
        },
    }


@pytest.mark.parametrize("thief", SERVICES)
async def test_what_is_not_a_services_own_cannot_be_published(
    server: EmbeddedNats, operator: JetStreamContext, thief: str
) -> None:
    before = await state_of(operator)
    assert before["subjects"] == {"parley.user.deleted": 3}
    async with Thief.at(server.url_of(thief)) as stolen:
        let_through = []
        for subject, payload in forbidden_publishes(thief):
            heard = await stolen.publishes(subject, payload, f"_INBOX.{thief}.answer")
            if f"-ERR 'Permissions Violation for Publish to \"{subject}\"'" not in heard:
                let_through.append(subject)
        assert let_through == []
        assert await state_of(operator) == before


@pytest.mark.parametrize("thief", SERVICES)
async def test_what_is_not_a_services_own_cannot_be_listened_to(
    server: EmbeddedNats, operator: JetStreamContext, thief: str
) -> None:
    assert await state_of(operator)
    others = [name for name in SERVICES if name != thief]
    async with Thief.at(server.url_of(thief)) as stolen:
        for subject in (
            *(">", "*", "*.>", "*.*", "parley.>", "parley.user.deleted", "parley.user.erased.>"),
            *("$SYS.>", "$SYS.ACCOUNT.auth-service.>", "$JS.>", "$JS.API.>", "$JS.ACK.>"),
            *("$JS.EVENT.ADVISORY.>", "_INBOX.>", "_INBOX.*.>", "_R_.>"),
            *(f"_INBOX.{name}.>" for name in others),
        ):
            heard = await stolen.subscribes(subject)
            assert f"-ERR 'Permissions Violation for Subscription to \"{subject}\"'" in heard


@pytest.mark.parametrize("thief", OTHERS)
async def test_no_reply_to_what_a_service_may_say_reaches_what_it_may_not(
    server: EmbeddedNats, operator: JetStreamContext, thief: str
) -> None:
    """The server answers with rights of its own: a reply subject is as good as a publish."""
    durable, confirm = f"{thief}-user-deleted", f"parley.user.erased.{thief}"
    pull = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{durable}"
    ack = f"$JS.ACK.{STREAM}.{durable}.1.1.1.1.0"
    before = await state_of(operator)
    victims = [name for name in OTHERS if name != thief]
    async with Thief.at(server.url_of(thief)) as stolen:
        for reply in (
            *("parley.user.deleted", "parley.user.erased"),
            *(f"parley.user.erased.{name}" for name in victims),
            *(f"$JS.API.STREAM.{verb}.{STREAM}" for verb in ("PURGE", "DELETE")),
            *(f"$JS.API.CONSUMER.DELETE.{STREAM}.{name}-user-deleted" for name in victims),
            *(f"$JS.ACK.{STREAM}.{name}-user-deleted.1.1.1.1.0" for name in victims),
            *(f"_INBOX.{name}.x" for name in ("auth-service", *victims)),
        ):
            # Answered by a receipt in JSON, a message of the stream, and by nothing at all.
            for subject, payload in (
                (confirm, b"mine"),
                (pull, b'{"batch":1}'),
                (ack, b"+ACK"),
                (ack, b"+NXT"),
            ):
                # Some replies the server refuses by itself.
                refused = f"-ERR 'Permissions Violation for Publish with Reply of \"{reply}\"'"
                heard = await stolen.publishes(subject, payload, reply)
                assert "-ERR" not in heard.replace(refused, "")
        await stolen.is_answered(confirm, b"mine", f"_INBOX.{thief}.1")
        await stolen.is_answered(pull, b'{"batch":1,"no_wait":true}', f"_INBOX.{thief}.2")
        await stolen.is_answered(ack, b"+ACK", f"_INBOX.{thief}.3")
        after = await state_of(operator)
    assert set(after["subjects"]) == {"parley.user.deleted", confirm}
    assert after["subjects"]["parley.user.deleted"] == 3
    assert (after["first"], after["config"], after["streams"]) == (
        before["first"],
        before["config"],
        before["streams"],
    )
    assert {
        name for name in after["consumers"] if after["consumers"][name] != before["consumers"][name]
    } <= {
        durable,
        # They have more to hear, and nothing else has changed.
        f"auth-service-user-erased-by-{thief}",
    }
    assert set(after["consumers"]) == set(before["consumers"])


@pytest.mark.parametrize("thief", OTHERS)
@pytest.mark.parametrize(
    "header",
    [
        "Nats-Rollup: all",
        "Nats-Schedule: @at 2020-01-01T00:00:00Z\r\nNats-Schedule-Target: parley.user.deleted",
    ],
)
async def test_no_header_of_a_services_own_events_touches_other_events(
    server: EmbeddedNats, operator: JetStreamContext, thief: str, header: str
) -> None:
    confirm = f"parley.user.erased.{thief}"
    async with Thief.at(server.url_of(thief)) as stolen:
        assert "-ERR" not in await stolen.publishes_with(confirm, header, b"mine")
        await stolen.is_answered(confirm, b"mine", f"_INBOX.{thief}.1")
        subjects = (await state_of(operator))["subjects"]
    assert subjects["parley.user.deleted"] == 3
    assert set(subjects) == {"parley.user.deleted", confirm}


@pytest.mark.parametrize("service", OTHERS)
async def test_a_service_can_do_its_own_work(
    server: EmbeddedNats, operator: JetStreamContext, service: str
) -> None:
    client = await nats.connect(
        server.url_of(service), allow_reconnect=False, inbox_prefix=f"_INBOX.{service}"
    )
    stream = client.jetstream()
    pulls = await stream.pull_subscribe_bind(f"{service}-user-deleted", stream=STREAM)
    for _ in range(3):
        (message,) = await pulls.fetch(1, timeout=20)
        assert (message.subject, message.data) == ("parley.user.deleted", b"somebody")
        await message.in_progress()
        await message.ack_sync(timeout=20)
    receipt = await stream.publish(f"parley.user.erased.{service}", b"mine", timeout=20)
    assert receipt.stream == STREAM
    stored = await operator.get_msg(STREAM, receipt.seq)
    assert (stored.subject, stored.data) == (f"parley.user.erased.{service}", b"mine")

    async def handled() -> bool:
        info = await operator.consumer_info(STREAM, f"{service}-user-deleted")
        return (info.num_pending, info.num_ack_pending) == (0, 0)

    await eventually(handled)
    await client.close()


@pytest.mark.parametrize("user", ["parley:{old}", "gateway:{old}", "notes-service:{old}", "", ":"])
async def test_nobody_else_gets_in(server: EmbeddedNats, user: str) -> None:
    place = server.url.rpartition("@")[2]
    who = user.format(old=urlsplit(server.url_of("apikey-service")).password)
    async with Thief.at(f"nats://{who}@{place}") as stranger:
        await stranger.is_turned_away()


@pytest.mark.parametrize("kind", ["compose", "make run"])
async def test_what_was_stored_before_each_service_had_a_user_is_still_there(
    kind: str, tmp_path: Path
) -> None:
    before = NatsOfBefore(tmp_path)
    await asyncio.to_thread(before.start)
    client = await nats.connect(
        f"nats://127.0.0.1:{before.port}",
        user="operator",
        password="the old password",
        allow_reconnect=False,
    )
    stream = client.jetstream()
    await stream.add_stream(name=STREAM, subjects=["parley.>"])
    pulls = await stream.pull_subscribe(
        "parley.user.deleted", durable="notes-service-user-deleted", stream=STREAM
    )
    for payload in (b"handled", b"not yet"):
        await stream.publish("parley.user.deleted", payload)
    (handled,) = await pulls.fetch(1, timeout=20)
    await handled.ack_sync(timeout=20)
    await client.close()
    await asyncio.to_thread(before.stop)

    server = make(kind, tmp_path)
    # What was adopted once is there at every start.
    for _ in range(2):
        await asyncio.to_thread(server.restart)
        async with Thief.at(f"nats://operator:the old password@127.0.0.1:{server.port}") as thief:
            await thief.is_turned_away()
    owner = JetStream(
        server.url_of("auth-service"),
        prefix="parley",
        name="auth-service",
        keeps=CONSUMES["notes-service"],
    )
    await owner.start()
    await owner.wait_ready()
    await owner.stop()
    notes = await nats.connect(
        server.url_of("notes-service"),
        inbox_prefix="_INBOX.notes-service",
        allow_reconnect=False,
    )
    bound = await notes.jetstream().pull_subscribe_bind("notes-service-user-deleted", stream=STREAM)
    (message,) = await bound.fetch(1, timeout=20)
    assert (message.data, message.metadata.sequence.stream) == (b"not yet", 2)
    await notes.close()
    await asyncio.to_thread(server.stop)
