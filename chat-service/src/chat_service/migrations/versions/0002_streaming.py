"""Frames while Redis is away; what makes a repeated question the same question."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# A frame that was shown while Redis could not take it: kept until it is in the log again, or the
# run has been saved.
_FRAMES = """
CREATE TABLE run_frames (
    run_id uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq bigint NOT NULL CHECK (seq > 0),
    epoch integer NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    event text NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (run_id, seq)
);
"""

_IDEMPOTENCY = """
ALTER TABLE runs ADD COLUMN idempotency_key text, ADD COLUMN request_hash bytea;
CREATE UNIQUE INDEX runs_by_idempotency_key ON runs (user_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- The run whose answer this one goes on with; both have the same question and answer.
ALTER TABLE runs ADD COLUMN continues uuid;

-- What other requests with a key were answered: see chassis.db.idempotency.
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
"""

_POLICIES = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON {table} TO parley_chat_app USING (
    tenant_id = (SELECT nullif(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT nullif(current_setting('parley.user_id', true), '')::uuid));
CREATE POLICY background ON {table} TO parley_chat_worker USING (true);
"""

# Of two requests with one key, one locks the row of the other: that asks for an UPDATE.
_GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON run_frames TO parley_chat_app, parley_chat_worker;
GRANT SELECT, INSERT, UPDATE (key) ON idempotency_keys TO parley_chat_app;
GRANT SELECT, DELETE ON idempotency_keys TO parley_chat_worker;
"""


def upgrade() -> None:
    op.execute(_FRAMES)
    op.execute(_IDEMPOTENCY)
    for table in ("run_frames", "idempotency_keys"):
        op.execute(_POLICIES.format(table=table))
    op.execute(_GRANTS)
