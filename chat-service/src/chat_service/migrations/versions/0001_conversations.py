"""Sessions, messages, runs; the owners and the outbox that every service has; replicas."""

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

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    title text NOT NULL,
    key_id uuid,
    model text,
    last_order integer NOT NULL DEFAULT 0,
    message_count integer NOT NULL DEFAULT 0,
    last_message_at timestamptz,
    active_at timestamptz NOT NULL
        GENERATED ALWAYS AS (coalesce(last_message_at, created_at)) STORED,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_activity ON sessions (user_id, active_at DESC, id DESC);

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content text NOT NULL,
    "order" integer NOT NULL CHECK ("order" > 0),
    run_id uuid,
    status text CHECK (status IN ('completed', 'cancelled', 'interrupted', 'failed')),
    provider text,
    model text,
    reasoning text,
    prompt_tokens integer,
    completion_tokens integer,
    created_at timestamptz NOT NULL,
    UNIQUE (session_id, "order")
);

CREATE TABLE runs (
    id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    question_id uuid NOT NULL,
    answer_id uuid NOT NULL,
    question_order integer NOT NULL,
    answer_order integer NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    temperature double precision NOT NULL,
    max_tokens integer NOT NULL,
    owner text NOT NULL,
    epoch integer NOT NULL,
    cancel_requested boolean NOT NULL DEFAULT false,
    status text NOT NULL
        CHECK (status IN ('running', 'completed', 'cancelled', 'interrupted', 'failed')),
    reason text,
    finish_reason text,
    last_seq bigint NOT NULL DEFAULT 0,
    prompt_tokens integer,
    completion_tokens integer,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((status = 'running') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX runs_one_live_per_session ON runs (session_id) WHERE status = 'running';
CREATE INDEX runs_by_session ON runs (session_id, id);
CREATE INDEX runs_by_user ON runs (user_id);

CREATE TABLE replicas (
    id text PRIMARY KEY,
    beat bigint NOT NULL,
    seen timestamptz NOT NULL
);
"""

# The settings are read once for each statement, not once for each row.
_OWN = """(
    tenant_id = (SELECT nullif(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT nullif(current_setting('parley.user_id', true), '')::uuid))
"""

# The app role may lock its owner's row, but neither change it nor make one that is erased.
_OWNERS_POLICIES = f"""
CREATE POLICY own_read ON owners FOR SELECT TO parley_chat_app USING {_OWN};
CREATE POLICY own_add ON owners FOR INSERT TO parley_chat_app
    WITH CHECK ({_OWN} AND erased_at IS NULL);
CREATE POLICY own_lock ON owners FOR UPDATE TO parley_chat_app USING {_OWN} WITH CHECK (false);
GRANT SELECT, INSERT, UPDATE (tenant_id) ON owners TO parley_chat_app;
"""

_POLICIES = f"""
CREATE POLICY own_rows ON {{table}} TO parley_chat_app USING {_OWN};
GRANT SELECT, INSERT, UPDATE, DELETE ON {{table}} TO parley_chat_app;
"""

_BACKGROUND = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY background ON {table} TO parley_chat_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parley_chat_worker;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(_OWNERS_POLICIES)
    for table in ("sessions", "messages", "runs"):
        op.execute(_POLICIES.format(table=table))
    for table in ("owners", "outbox", "sessions", "messages", "runs"):
        op.execute(_BACKGROUND.format(table=table))
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON replicas TO parley_chat_worker")
