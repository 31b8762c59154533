"""Answers to requests with an idempotency key, for their repetitions."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLE = """
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

_SECURITY = """
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY idempotency_keys_app ON idempotency_keys TO parley_apikey_app USING (
    tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
);
CREATE POLICY idempotency_keys_worker ON idempotency_keys TO parley_apikey_worker USING (true);
-- Of two requests with one key, one locks the row of the other: that asks for an UPDATE.
GRANT SELECT, INSERT, UPDATE (key) ON idempotency_keys TO parley_apikey_app;
GRANT SELECT, DELETE ON idempotency_keys TO parley_apikey_worker;
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(_SECURITY)
