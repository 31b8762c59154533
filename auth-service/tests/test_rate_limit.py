"""How often something may be tried: counted in PostgreSQL, whatever comes at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auth_service.credentials.pseudonyms import KeyedPseudonyms
from auth_service.credentials.signing import SigningKey
from auth_service.domain.errors import TooManyAttempts
from auth_service.domain.limits import GUESS, GUESS_FROM
from auth_service.store.expired import delete_expired
from auth_service.store.transactions import OpenSystem, system_transactions
from auth_service.usecases.rate_limit import Attempt, Counted, attempt, count_attempts, take_back
from chassis.db.engine import Database
from chassis.testing import DatabaseUrls
from servicekit.rate_limits import Limit, RateWindow, network_of, seconds_to_wait

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = SigningKey(Ed25519PrivateKey.generate())
PSEUDONYMS = KeyedPseudonyms(lambda: [KEY])
ADA = attempt(PSEUDONYMS, GUESS, "register", "ada@example.org")


@pytest_asyncio.fixture(loop_scope="session")
async def open_system(database: DatabaseUrls) -> AsyncIterator[OpenSystem]:
    # Two hundred at once on a busy machine wait for their turn.
    worker = Database(
        database.worker,
        application_name="test",
        wait_seconds=60.0,
        lock_seconds=60.0,
        statement_seconds=60.0,
    )
    yield system_transactions(worker)
    await worker.stop()


async def _try(open_system: OpenSystem, *attempts: Attempt) -> tuple[Counted, ...] | int:
    """What was counted, or the seconds to wait."""
    try:
        async with open_system() as transaction:
            return await count_attempts(transaction, *attempts)
    except TooManyAttempts as refused:
        return refused.retry_after or 0


def _age(database: DatabaseUrls, by: timedelta) -> None:
    """Let everything that was counted have been counted so much earlier."""
    with psycopg.connect(database.worker) as worker:
        worker.execute(
            "UPDATE counters SET expires_at = expires_at - %(by)s,"
            " hits = ARRAY(SELECT hit - %(by)s FROM unnest(hits) AS hit)",
            {"by": by},
        )


async def test_of_two_hundred_at_once_exactly_as_many_are_let_through_as_may_be(
    open_system: OpenSystem,
) -> None:
    outcomes = await asyncio.gather(*(_try(open_system, ADA) for _ in range(200)))

    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 5
    waits = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert all(595 <= seconds <= 600 for seconds in waits)


async def test_a_window_has_no_edge_at_which_it_begins_anew(
    open_system: OpenSystem, database: DatabaseUrls
) -> None:
    assert isinstance(await _try(open_system, ADA), tuple)
    _age(database, 6 * MINUTE)
    outcomes = [await _try(open_system, ADA) for _ in range(5)]
    assert [isinstance(outcome, tuple) for outcome in outcomes] == [True] * 4 + [False]
    assert outcomes[-1] in range(235, 241)

    # The first is forgotten, so there is room for one, and not for five.
    _age(database, 4 * MINUTE)
    outcomes = [await _try(open_system, ADA) for _ in range(5)]
    assert [isinstance(outcome, tuple) for outcome in outcomes] == [True] + [False] * 4


async def test_every_window_of_a_limit_holds(
    open_system: OpenSystem, database: DatabaseUrls
) -> None:
    let_through = 0
    for _ in range(10):
        while isinstance(await _try(open_system, ADA), tuple):
            let_through += 1
        _age(database, 11 * MINUTE)

    assert let_through == 20
    seconds = await _try(open_system, ADA)
    assert isinstance(seconds, int)
    assert seconds == pytest.approx(timedelta(days=1).total_seconds() - 10 * 11 * 60, abs=30)
    _age(database, timedelta(days=1))
    assert isinstance(await _try(open_system, ADA), tuple)


async def test_what_one_limit_refuses_counts_nowhere_else(
    open_system: OpenSystem, database: DatabaseUrls
) -> None:
    source = attempt(PSEUDONYMS, GUESS_FROM, "192.0.2.7")
    for _ in range(40):
        await _try(open_system, source, ADA)

    with psycopg.connect(database.worker) as worker:
        counted = worker.execute("SELECT scope, cardinality(hits) FROM counters ORDER BY scope")
        assert counted.fetchall() == [("guess", 5), ("guess_from", 5)]


async def test_what_was_no_failure_is_taken_back_and_makes_room(open_system: OpenSystem) -> None:
    for _ in range(50):
        counted = await _try(open_system, ADA)
        assert isinstance(counted, tuple)
        async with open_system() as transaction:
            await take_back(transaction, counted)


async def test_subjects_scopes_and_limits_do_not_touch_each_other(open_system: OpenSystem) -> None:
    others = [
        attempt(PSEUDONYMS, GUESS, "password_reset", "ada@example.org"),
        attempt(PSEUDONYMS, GUESS, "register", "eve@example.org"),
        attempt(PSEUDONYMS, GUESS, "registerada", "@example.org"),
        attempt(PSEUDONYMS, GUESS, "register", "ada@example.org", ""),
        attempt(PSEUDONYMS, Limit("other", GUESS.windows), "register", "ada@example.org"),
    ]
    while isinstance(await _try(open_system, ADA), tuple):
        pass
    for other in others:
        assert isinstance(await _try(open_system, other), tuple)


async def test_what_a_window_still_looks_at_is_not_swept_away_with_what_came_before(
    open_system: OpenSystem, database: DatabaseUrls
) -> None:
    await _try(open_system, ADA)
    _age(database, timedelta(hours=23))
    await _try(open_system, ADA)
    _age(database, timedelta(hours=2))
    await delete_expired(open_system, datetime.now(UTC))
    # Of twenty in a day there are nineteen left.
    let_through = 0
    for _ in range(4):
        while isinstance(await _try(open_system, ADA), tuple):
            let_through += 1
        _age(database, 11 * MINUTE)
    assert let_through == 19


async def test_what_no_window_looks_at_is_swept_away_by_the_databases_clock(
    open_system: OpenSystem, database: DatabaseUrls
) -> None:
    await _try(open_system, attempt(PSEUDONYMS, GUESS, "old"))
    _age(database, timedelta(days=1))
    await _try(open_system, ADA)
    # This process' clock is a year ahead: nothing that counts is forgotten for it.
    await delete_expired(open_system, datetime.now(UTC) + timedelta(days=365))

    with psycopg.connect(database.worker) as worker:
        left = worker.execute("SELECT subject FROM counters").fetchall()
    assert left == [(ADA.subject,)]


async def test_a_row_never_holds_more_than_its_widest_window_admits(
    open_system: OpenSystem, database: DatabaseUrls
) -> None:
    small = Attempt(Limit("small", (RateWindow(3, MINUTE),)), ADA.subject)
    for _ in range(10):
        while isinstance(await _try(open_system, small), tuple):
            pass
        _age(database, MINUTE)
    await _try(open_system, small)

    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT cardinality(hits) FROM counters").fetchall() == [(1,)]


def test_pseudonyms_show_nothing_and_are_found_again_under_every_key_in_force() -> None:
    older, newer = (SigningKey(Ed25519PrivateKey.generate()) for _ in range(2))
    before = KeyedPseudonyms(lambda: [older])
    after = KeyedPseudonyms(lambda: [newer, older])

    made = before.of("code", "ada@example.org")
    assert len(made) == 32
    assert made != before.of("codeada", "@example.org")
    assert after.all_of("code", "ada@example.org") == [after.of("code", "ada@example.org"), made]
    assert after.of("code", "ada@example.org") != made


@pytest.mark.parametrize(
    ("minutes_ago", "seconds"),
    [
        ((), 1),
        ((9, 8, 7, 6), 1),
        ((9, 8, 7, 6, 5), 60),
        ((5, 7, 9, 8, 6), 60),
        ((11, 9, 8, 7, 6, 5), 60),
        ((9.999, 8, 7, 6, 5), 1),
        (tuple(60 * hour for hour in range(1, 21)), 14_400),
        (tuple(range(1, 25)), 86_400 - 20 * 60),
    ],
)
def test_how_long_to_wait_is_said_to_the_second(
    minutes_ago: tuple[float, ...], seconds: int
) -> None:
    assert seconds_to_wait(GUESS, [NOW - minutes * MINUTE for minutes in minutes_ago], NOW) == (
        seconds
    )


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("anything", ""),
    ],
)
def test_who_has_one_address_of_a_network_has_all_of_them(ip: str, network: str) -> None:
    assert network_of(ip) == network
