"""Notes; the owners and the outbox that every service has; row-level security."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE owners (
    user_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    erased_at timestamptz
);

CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    subject text NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX outbox_pending ON outbox (attempts, id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;

CREATE TABLE notes (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX notes_by_change ON notes (user_id, updated_at, id);
"""

# Read once for each statement, not once for each row.
_MINE = """
    tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
"""

_SECURITY = f"""
ALTER TABLE owners ENABLE ROW LEVEL SECURITY;
ALTER TABLE owners FORCE ROW LEVEL SECURITY;
CREATE POLICY owners_app_read ON owners FOR SELECT TO parley_notes_app USING ({_MINE});
CREATE POLICY owners_app_add ON owners FOR INSERT TO parley_notes_app
    WITH CHECK ({_MINE} AND erased_at IS NULL);
-- FOR SHARE asks for the right to update some column: it may be locked, never changed.
CREATE POLICY owners_app_lock ON owners FOR UPDATE TO parley_notes_app
    USING ({_MINE}) WITH CHECK (false);
CREATE POLICY owners_worker ON owners TO parley_notes_worker USING (true);
GRANT SELECT, INSERT, UPDATE (tenant_id) ON owners TO parley_notes_app;
GRANT SELECT, INSERT, UPDATE ON owners TO parley_notes_worker;

ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY notes_app ON notes TO parley_notes_app USING ({_MINE});
CREATE POLICY notes_worker ON notes TO parley_notes_worker USING (true);
GRANT SELECT, INSERT, DELETE ON notes TO parley_notes_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO parley_notes_worker;

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_worker ON outbox TO parley_notes_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO parley_notes_worker;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_SECURITY)
