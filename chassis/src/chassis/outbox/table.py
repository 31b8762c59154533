"""The table of events that wait to be published.

The service's migration creates it (here for ``notes``; the app role may add and do nothing
else)::

    CREATE TABLE outbox (
        id           uuid PRIMARY KEY,
        subject      text NOT NULL,
        payload      bytea NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT now(),
        published_at timestamptz,
        attempts     integer NOT NULL DEFAULT 0
    );
    CREATE INDEX outbox_pending ON outbox (attempts, id) WHERE published_at IS NULL;
    CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;
    ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
    ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
    CREATE POLICY outbox_app ON outbox FOR INSERT TO parley_notes_app WITH CHECK (true);
    CREATE POLICY outbox_worker ON outbox TO parley_notes_worker USING (true);
    GRANT INSERT ON outbox TO parley_notes_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO parley_notes_worker;
"""

from uuid import UUID

from sqlalchemy import (
    Column,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.db.statement import Statement
from chassis.ids import new_id


def outbox_table(metadata: MetaData) -> Table:
    """The table as SQLAlchemy sees it, for queries of the service's own."""
    return Table(
        "outbox",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("subject", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("published_at", DateTime(timezone=True)),
        Column("attempts", Integer, nullable=False, server_default="0"),
    )


_ENQUEUE = Statement(
    text("INSERT INTO outbox (id, subject, payload) VALUES (:id, :subject, :payload)")
)


async def enqueue(connection: AsyncConnection, *, subject: str, payload: bytes) -> UUID:
    """Have ``payload`` published under the full ``subject`` if this transaction commits.

    Returns the event's id, which is also the message's ``Nats-Msg-Id``.
    """
    event_id = new_id()
    await _ENQUEUE.run(connection, id=event_id, subject=subject, payload=payload)
    return event_id
