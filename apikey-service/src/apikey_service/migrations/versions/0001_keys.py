"""Keys; the owners and the outbox that every service has; row-level security."""

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

CREATE TABLE keys (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    -- Equal for names that look alike: see fold_name.
    name_folded text NOT NULL,
    masked_key text NOT NULL,
    model text NOT NULL,
    base_url text NOT NULL,
    provider text NOT NULL,
    -- The key itself, sealed: see vault/envelope.py.
    ciphertext bytea NOT NULL,
    wrapped_key bytea NOT NULL,
    kek_id text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (user_id, name_folded)
);
CREATE INDEX keys_by_age ON keys (user_id, created_at, id);
"""

# Read once for each statement, not once for each row.
_MINE = """
    tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
"""

_SECURITY = f"""
ALTER TABLE owners ENABLE ROW LEVEL SECURITY;
ALTER TABLE owners FORCE ROW LEVEL SECURITY;
CREATE POLICY owners_app_read ON owners FOR SELECT TO parley_apikey_app USING ({_MINE});
CREATE POLICY owners_app_add ON owners FOR INSERT TO parley_apikey_app
    WITH CHECK ({_MINE} AND erased_at IS NULL);
-- FOR SHARE asks for the right to update some column: it may be locked, never changed.
CREATE POLICY owners_app_lock ON owners FOR UPDATE TO parley_apikey_app
    USING ({_MINE}) WITH CHECK (false);
CREATE POLICY owners_worker ON owners TO parley_apikey_worker USING (true);
GRANT SELECT, INSERT, UPDATE (tenant_id) ON owners TO parley_apikey_app;
GRANT SELECT, INSERT, UPDATE ON owners TO parley_apikey_worker;

ALTER TABLE keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE keys FORCE ROW LEVEL SECURITY;
CREATE POLICY keys_app ON keys TO parley_apikey_app USING ({_MINE});
CREATE POLICY keys_worker ON keys TO parley_apikey_worker USING (true);
GRANT SELECT, INSERT ON keys TO parley_apikey_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON keys TO parley_apikey_worker;

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_worker ON outbox TO parley_apikey_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO parley_apikey_worker;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_SECURITY)
