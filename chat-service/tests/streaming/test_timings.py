"""What the shipped timings must be to each other: other tests shorten them."""

import inspect

import pytest

from chassis.db.engine import Database
from chat_service.notices import log as notices
from chat_service.providers import patience, source, transport
from chat_service.settings import Settings
from chat_service.streaming.cache import answers
from chat_service.streaming.own import finaliser
from chat_service.streaming.store import replicas
from chat_service.streaming.timings import SHIPPED


def default(setting: str) -> float:
    return float(Settings.model_fields[setting].default)


def test_an_owner_that_is_only_slow_is_not_taken_for_dead() -> None:
    # Heartbeats may be missed, and looks be late, many times over.
    assert 5 * SHIPPED.heartbeat <= SHIPPED.dead
    assert SHIPPED.heartbeat + SHIPPED.late <= SHIPPED.dead / 3


def test_an_owner_that_was_frozen_doubts_before_anybody_can_have_ended_its_runs() -> None:
    assert SHIPPED.frozen + 2 * SHIPPED.heartbeat < SHIPPED.dead
    # It notes the time far more often than that, appends or not.
    assert 10 * SHIPPED.watch <= SHIPPED.frozen


def test_an_interrupted_run_is_taken_over_within_thirty_seconds() -> None:
    assert SHIPPED.dead + 3 * SHIPPED.heartbeat + SHIPPED.late < 30


def test_an_outage_of_redis_stalls_readers_for_less_than_five_seconds() -> None:
    noticed = SHIPPED.append + SHIPPED.degraded_pause
    kept = SHIPPED.fallback + SHIPPED.degraded_pause
    assert noticed + kept < 5
    assert SHIPPED.append_again + SHIPPED.append < 5


def test_a_log_outlives_every_reader_that_may_still_come_for_it() -> None:
    assert SHIPPED.log_kept > 10 * SHIPPED.linger
    # A run that is being saved has no expiry at all; once it is saved a slow reader goes on.
    assert SHIPPED.log_kept >= 600


def test_what_has_not_finished_when_the_process_must_go_is_still_ended_and_saved() -> None:
    drain = default("drain_seconds")
    assert drain > SHIPPED.ending
    assert drain + SHIPPED.stop < 30


def test_a_silent_model_is_given_up_before_the_longest_run_is() -> None:
    first, idle, total = map(default, ("first_token_seconds", "idle_seconds", "total_seconds"))
    assert idle <= first < total


def test_the_end_of_a_run_is_told_while_its_reader_still_waits() -> None:
    assert SHIPPED.save_patience <= 2


def test_a_dead_owner_stays_on_the_register_until_its_runs_are_taken_over() -> None:
    # Its heartbeat, which has to stand still for long enough, goes with it.
    taken_over = SHIPPED.dead + 3 * SHIPPED.heartbeat + SHIPPED.late
    assert replicas._SILENT.total_seconds() >= 2 * taken_over


def test_an_end_is_saved_within_ten_seconds_of_postgresql_being_back() -> None:
    pauses = finaliser._PAUSES
    assert list(pauses) == sorted(pauses)
    # Tried in vain at the very last moment, and then with every connection taken.
    waited = inspect.signature(Database).parameters["wait_seconds"].default
    assert pauses[-1] + 2 * waited < 10


@pytest.mark.parametrize("kept_out", [answers._GONE_SECONDS, notices._ERASED_SECONDS])
def test_nothing_of_an_erased_user_is_made_again_by_who_has_not_heard_of_it(kept_out: int) -> None:
    # Their access ends within five seconds, and what is kept of it within sixty.
    assert 2 * 5 <= kept_out < 60


def test_a_server_that_takes_no_connection_is_given_up_before_its_model_would_be() -> None:
    servers = patience.SHIPPED
    assert servers.connect < servers.connected < default("first_token_seconds")
    # Once it has said its end, what is still waited for is not noticed.
    assert servers.grace < SHIPPED.save_patience
    # What a refusal says, and the end of a body, are waited for in less than a replica has to end.
    assert SHIPPED.ending >= transport._ERROR_BODY_SECONDS
    assert SHIPPED.stop >= source._LAST_BYTES_SECONDS
