"""A user's part of an index, and the months in it."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import psycopg
import pytest

from chassis.embedded.postgres import EmbeddedPostgres
from chassis.ids import new_id
from servicekit.search import part_of
from servicekit.search_parts import MONTHS, Month, spans, vector_for


@pytest.mark.parametrize(
    ("at", "months_before"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), 0),
        (datetime(2026, 11, 1, tzinfo=UTC), 0),
        # Still October where it is read.
        (datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=2))), 1),
        (datetime(2025, 12, 31, tzinfo=UTC), 11),
        (datetime(1, 1, 1, tzinfo=UTC), 2025 * 12 + 10),
    ],
)
def test_months_are_counted_in_utc_across_years(at: datetime, months_before: int) -> None:
    assert (
        Month.of(datetime(2026, 11, 15, tzinfo=UTC)).number - Month.of(at).number == months_before
    )


def test_the_newest_months_are_one_span_and_everything_the_other(
    embedded_postgres: EmbeddedPostgres,
) -> None:
    user, newest = new_id(), datetime(2026, 2, 3, tzinfo=UTC)
    first, everything = spans(Month.of(newest), part_of(user))
    with psycopg.connect(embedded_postgres.admin_url) as connection:

        def is_in(span: str, whose: UUID, at: datetime) -> bool:
            vector = vector_for(whose, at, "a text")
            row = connection.execute("SELECT %s::tsvector @@ %s::tsquery", (vector, span))
            return bool((row.fetchone() or [None])[0])

        for months in range(8):
            at = newest - timedelta(days=30 * months)
            assert is_in(first, user, at) == (
                Month.of(at).number > Month.of(newest).number - MONTHS
            )
            assert is_in(everything, user, at)
            assert not is_in(everything, UUID(int=user.int ^ 1), at)
        assert not is_in(first, user, newest + timedelta(days=40))
