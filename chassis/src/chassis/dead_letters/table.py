"""The table of failures, and of those events that were set aside because of them.

A row without ``set_aside_at`` is an event that still comes again; ``deliveries`` counts the times
that a handler failed on it, outages left out. The id of a row is made of
the event's place in its stream: however many replicas set it aside, it is there once.

The service's migration creates it (here for ``notes``; the app role has nothing to do with it)::

    CREATE TABLE dead_letters (
        id           uuid PRIMARY KEY,
        consumer     text NOT NULL,
        subject      text NOT NULL,
        payload      bytea NOT NULL,
        error        text NOT NULL,
        deliveries   integer NOT NULL,
        first_seen   timestamptz NOT NULL,
        set_aside_at timestamptz,
        replay       text CHECK (replay IN ('asked', 'running', 'failed'))
    );
    ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
    ALTER TABLE dead_letters FORCE ROW LEVEL SECURITY;
    CREATE POLICY dead_letters_worker ON dead_letters TO parley_notes_worker
        USING (true) WITH CHECK (true);
    GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO parley_notes_worker;
"""

from typing import Final

from sqlalchemy import text

from chassis.db.statement import Statement

#: A failure is one statement: to count it and to set the event aside is one transaction.
NOTE: Final = Statement(
    text(
        "INSERT INTO dead_letters AS letter"
        " (id, consumer, subject, payload, error, deliveries, first_seen, set_aside_at)"
        " VALUES (:id, :consumer, :subject, :payload, :error, 1, now(),"
        " CASE WHEN CAST(:at_once AS boolean) THEN now() END)"
        " ON CONFLICT (id) DO UPDATE SET"
        " error = EXCLUDED.error, deliveries = letter.deliveries + 1,"
        " set_aside_at = COALESCE(letter.set_aside_at, CASE"
        " WHEN CAST(:at_once AS boolean) OR letter.deliveries + 1 >= CAST(:failures AS integer)"
        " AND letter.first_seen <= now() - make_interval(secs => CAST(:seconds AS float8))"
        " THEN now() END)"
        " RETURNING set_aside_at IS NOT NULL AS is_aside, deliveries"
    )
)
REMOVE: Final = Statement(text("DELETE FROM dead_letters WHERE id = :id"))
COUNT: Final = Statement(
    text("SELECT count(*) AS letters FROM dead_letters WHERE set_aside_at IS NOT NULL")
)
#: What the stream itself has forgotten will not fail again.
SWEEP: Final = Statement(
    text(
        "DELETE FROM dead_letters WHERE set_aside_at IS NULL"
        " AND first_seen < now() - interval '31 days'"
    )
)

LIST: Final = Statement(
    text(
        "SELECT id, consumer, subject, error, deliveries, first_seen, set_aside_at, replay"
        " FROM dead_letters WHERE set_aside_at IS NOT NULL ORDER BY set_aside_at, id"
    )
)
SHOW: Final = Statement(
    text(
        "SELECT id, consumer, subject, payload, error, deliveries, first_seen, set_aside_at, replay"
        " FROM dead_letters WHERE id = :id AND set_aside_at IS NOT NULL"
    )
)
DROP: Final = Statement(
    text("DELETE FROM dead_letters WHERE id = :id AND set_aside_at IS NOT NULL")
)

ASK: Final = Statement(
    text(
        "UPDATE dead_letters SET replay = 'asked' WHERE id = :id AND set_aside_at IS NOT NULL"
        " RETURNING id"
    )
)
CLAIM: Final = Statement(
    text(
        "UPDATE dead_letters SET replay = 'running' WHERE id = ("
        "SELECT id FROM dead_letters WHERE replay = 'asked' AND consumer = ANY(:consumers)"
        " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, consumer, payload"
    )
)
FAILED: Final = Statement(
    text(
        "UPDATE dead_letters SET replay = 'failed', error = :error,"
        " deliveries = deliveries + 1 WHERE id = :id"
    )
)
