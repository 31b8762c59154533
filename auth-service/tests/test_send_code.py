"""Codes on their way: how many are sent, to whom, and what happens behind the answer."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from auth_service.delivery import job_queue
from auth_service.delivery.job_queue import JobQueue
from auth_service.domain.codes import Purpose
from auth_service.usecases.ports import CodeJob
from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.service import Service
from chassis.testing import DatabaseUrls, OpenChannel, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub
from servicekit.argon2_passwords import TooBusy

Serve = Callable[..., Awaitable[tuple[Service, int]]]
Mailbox = Any

REGISTER = auth_pb2.CODE_PURPOSE_REGISTER
RESET = auth_pb2.CODE_PURPOSE_PASSWORD_RESET
ADA = "ada@example.org"


async def _outcome(call: Awaitable[Any]) -> str:
    try:
        answer = await call
    except RemoteError as error:
        return error.reason
    return str(answer.valid) if isinstance(answer, auth_pb2.VerifyCodeResponse) else "done"


async def _refused(call: Awaitable[Any]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await call
    return refused.value


async def _send(auth: Channel, email: str, purpose: Any = REGISTER, ip: str = "192.0.2.7") -> None:
    request = auth_pb2.SendCodeRequest(email=email, purpose=purpose, client=auth_pb2.Client(ip=ip))
    await auth.unary(auth.stub(AuthServiceStub).SendCode, request, timeout=30)


async def _verify(
    auth: Channel, email: str, code: str, purpose: Any = REGISTER, ip: str = "192.0.2.7"
) -> auth_pb2.VerifyCodeResponse:
    request = auth_pb2.VerifyCodeRequest(
        email=email, code=code, purpose=purpose, client=auth_pb2.Client(ip=ip)
    )
    return await auth.unary(auth.stub(AuthServiceStub).VerifyCode, request, timeout=30)


async def _register(
    auth: Channel, username: str, email: str, code: str | None, ip: str = "192.0.2.7"
) -> auth_pb2.Grant:
    request = auth_pb2.RegisterRequest(
        username=username,
        email=email,
        password="correct horse",
        code=code,
        client=auth_pb2.Client(ip=ip),
    )
    return (await auth.unary(auth.stub(AuthServiceStub).Register, request, timeout=30)).grant


def _age(database: DatabaseUrls, by: timedelta) -> None:
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE codes SET expires_at = expires_at - %s", [by])
        worker.execute(
            "UPDATE counters SET hits = ARRAY(SELECT hit - %s FROM unnest(hits) AS hit)", [by]
        )


async def test_one_address_is_sent_three_codes_in_ten_minutes_known_or_not(
    auth: Channel, mailbox: Mailbox, database: DatabaseUrls
) -> None:
    await _send(auth, ADA)
    await _register(auth, "ada", ADA, await mailbox.code(ADA))
    for email in (ADA, "nobody@example.org"):
        said = [await _outcome(_send(auth, email, RESET)) for _ in range(4)]
        assert said == ["done"] * 3 + ["TOO_MANY_ATTEMPTS"]
    error = await _refused(_send(auth, ADA, RESET))
    assert (error.kind, error.fields, error.metadata) == (Kind.EXHAUSTED, (), {})
    assert error.retry_after in range(590, 601)

    sent = 3
    for hour in range(1, 5):
        # Not in here: it may have to wait for a transaction of this loop's.
        await asyncio.to_thread(_age, database, timedelta(hours=1))
        for n in range(3):
            sent += await _outcome(_send(auth, ADA, RESET, ip=f"10.1.{hour}.{n}")) == "done"
    assert sent == 10


async def test_one_client_has_twenty_codes_sent_an_hour(auth: Channel) -> None:
    said = [
        await _outcome(_send(auth, f"user{n}@example.org", ip=f"2001:db8::{n:x}"))
        for n in range(22)
    ]
    assert said == ["done"] * 20 + ["TOO_MANY_ATTEMPTS"] * 2


async def test_everybody_together_has_as_many_sent_as_the_setting_says(
    serve: Serve, grpc_channel: OpenChannel
) -> None:
    _, port = await serve(codes_per_hour=5)
    auth = await grpc_channel(port, "auth-service")

    said = await asyncio.gather(
        *(_outcome(_send(auth, f"user{n}@example.org", ip=f"10.0.0.{n}")) for n in range(20))
    )

    assert Counter(said) == {"done": 5, "TOO_MANY_ATTEMPTS": 15}


async def test_a_reset_is_sent_to_nobody_who_has_not_shown_the_address(
    auth: Channel, mailbox: Mailbox
) -> None:
    await _register(auth, "ada", ADA, None)
    for email in (ADA, "nobody@example.org"):
        await _send(auth, email, RESET)

    def withheld() -> bool:
        return [line["event"] for line in mailbox.read()].count("code.withheld") == 2

    await eventually(withheld)
    assert mailbox.codes(ADA) == mailbox.codes("nobody@example.org") == []


async def test_a_reset_goes_to_the_address_that_was_verified_however_it_is_spelt(
    auth: Channel, mailbox: Mailbox
) -> None:
    await _send(auth, ADA)
    await _register(auth, "ada", ADA, await mailbox.code(ADA))

    await _send(auth, "ⓐda@example.org", RESET)

    code = await mailbox.code(ADA, count=2)
    assert mailbox.codes("ⓐda@example.org") == []
    assert (await _verify(auth, "ADA@example.org", code, RESET)).valid


async def test_the_answer_does_not_wait_for_the_sending_and_a_full_queue_refuses(
    serve: Serve, grpc_channel: OpenChannel, database: DatabaseUrls, mailbox: Mailbox
) -> None:
    _, port = await serve(code_queue=1)
    auth = await grpc_channel(port, "auth-service")
    with psycopg.connect(database.admin) as blocker:
        blocker.execute("LOCK TABLE codes IN ACCESS EXCLUSIVE MODE")
        # Nothing can be kept, so every task stands still: four of them, and one job waits.
        said = [
            await _outcome(_send(auth, f"user{n}@example.org", ip=f"10.0.0.{n}")) for n in range(7)
        ]
        assert said == ["done"] * 5 + ["TOO_BUSY"] * 2
    await mailbox.code("user4@example.org")
    # What was turned away has not been counted.
    for count in (1, 2, 3):
        await _send(auth, "user6@example.org")
        await mailbox.code("user6@example.org", count=count)


async def test_what_was_taken_is_still_sent_when_the_service_stops(
    serve: Serve, grpc_channel: OpenChannel, mailbox: Mailbox
) -> None:
    service, port = await serve()
    auth = await grpc_channel(port, "auth-service")
    await asyncio.gather(*(_send(auth, f"user{n}@example.org") for n in range(20)))
    await service.stop()

    assert all(len(mailbox.codes(f"user{n}@example.org")) == 1 for n in range(20))


async def test_what_is_asked_for_while_the_service_stops_is_still_sent(
    serve: Serve, grpc_channel: OpenChannel, database: DatabaseUrls, mailbox: Mailbox
) -> None:
    # So late that it would be cut off if it waited for its time.
    service, port = await serve(code_delay_seconds=60)
    auth = await grpc_channel(port, "auth-service")
    with (
        psycopg.connect(database.admin) as blocker,
        psycopg.connect(database.admin, autocommit=True) as looker,
    ):
        blocker.execute("LOCK TABLE counters IN EXCLUSIVE MODE")
        sending = asyncio.create_task(_send(auth, ADA))

        def waits() -> bool:
            found = looker.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            )
            return found.fetchone() is not None

        await eventually(waits)
        stopping = asyncio.create_task(service.stop())
        # What has nothing to do has drained by then.
        for _ in range(10):
            await asyncio.sleep(0)
        blocker.rollback()
    await sending
    await stopping

    assert len(mailbox.codes(ADA)) == 1


async def test_what_is_no_address_or_no_purpose_is_said_to_be_so(auth: Channel) -> None:
    for email in ("", "nowhere", "ada@example.org\r\nbcc: eve@example.org", "a\0@example.org"):
        error = await _refused(_send(auth, email))
        assert [field.field for field in error.fields] == ["email"]
    error = await _refused(_send(auth, ADA, auth_pb2.CODE_PURPOSE_UNSPECIFIED))
    assert error.fields == (FieldError("purpose", "NOT_ONE_OF"),)


async def test_how_long_it_waits_at_most_is_what_the_setting_says(
    serve: Serve,
    grpc_channel: OpenChannel,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[float, float]] = []

    def at_once(least: float, most: float) -> float:
        asked.append((least, most))
        return 0

    monkeypatch.setattr(job_queue._random, "uniform", at_once)
    _, port = await serve(code_delay_seconds=600)
    await _send(await grpc_channel(port, "auth-service"), ADA)
    await mailbox.code(ADA)
    assert asked == [(0, 600)]


async def test_what_was_asked_for_leaves_a_while_later_and_before_the_service_has_drained() -> None:
    sent: list[CodeJob] = []

    async def send(job: CodeJob) -> None:
        sent.append(job)

    queue = JobQueue(send, workers=2, size=5, delay=0.2)
    await queue.start()
    asked = [CodeJob(Purpose.REGISTER, f"user{number}@example.org") for number in range(5)]
    for job in asked:
        queue.add(job)
    with pytest.raises(TooBusy):
        queue.add(asked[0])
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(sent) < 5

    await queue.drain()

    assert {job.email for job in sent} == {job.email for job in asked}
    await queue.stop()


async def test_what_cannot_be_sent_before_the_service_has_to_end_is_told(mailbox: Mailbox) -> None:
    async def hang(job: CodeJob) -> None:
        await asyncio.Event().wait()

    queue = JobQueue(hang, workers=1, size=5, delay=0)
    await queue.start()
    # One is on its way, the others wait for it.
    for number in range(3):
        queue.add(CodeJob(Purpose.REGISTER, f"user{number}@example.org"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await queue.stop()

    told = [line["reason"] for line in mailbox.read() if line["event"] == "code.not_sent"]
    assert told == ["STOPPED"] * 3
