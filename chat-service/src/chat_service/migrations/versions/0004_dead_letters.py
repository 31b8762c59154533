"""Events that could not be handled, set aside for a person to look at."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    consumer text NOT NULL,
    subject text NOT NULL,
    payload bytea NOT NULL,
    error text NOT NULL,
    deliveries integer NOT NULL,
    first_seen timestamptz NOT NULL,
    set_aside_at timestamptz,
    replay text CHECK (replay IN ('asked', 'running', 'failed'))
);
"""

_SECURITY = """
ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letters FORCE ROW LEVEL SECURITY;
-- They name users, if only by id: the app role sees none.
CREATE POLICY dead_letters_worker ON dead_letters TO parley_chat_worker
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO parley_chat_worker;
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(_SECURITY)
