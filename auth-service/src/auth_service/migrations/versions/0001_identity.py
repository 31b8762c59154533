"""Tenants, users, logins, tokens, revocations, erasures, the outbox; row-level security."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
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

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    username text,
    username_key text UNIQUE,
    email text,
    password_hash text,
    role text NOT NULL CHECK (role IN ('user', 'tenant_admin', 'operator')),
    status text NOT NULL CHECK (status IN ('active', 'deleted')),
    created_at timestamptz NOT NULL,
    last_login_at timestamptz,
    deleted_at timestamptz,
    -- A living user has all of it, a deleted one nothing that says who it was.
    CONSTRAINT users_deleted_is_blank CHECK (
        CASE status
            WHEN 'deleted' THEN deleted_at IS NOT NULL
                AND num_nonnulls(username, username_key, email, password_hash, last_login_at) = 0
            ELSE deleted_at IS NULL
                AND num_nulls(username, username_key, email, password_hash) = 0
        END
    )
);
CREATE INDEX users_tenant_id ON users (tenant_id);

CREATE TABLE logins (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    ip text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX logins_user_id ON logins (user_id);
CREATE INDEX logins_expires_at ON logins (expires_at);

CREATE TABLE refresh_tokens (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    login_id uuid NOT NULL REFERENCES logins (id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    rotated_at timestamptz
);
CREATE INDEX refresh_tokens_login_id ON refresh_tokens (login_id);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);

CREATE TABLE revocations (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    sid text,
    revoked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX revocations_stored_at ON revocations (stored_at);
CREATE INDEX revocations_expires_at ON revocations (expires_at);

CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL UNIQUE,
    requested_at timestamptz NOT NULL,
    sent_at timestamptz NOT NULL
);

CREATE TABLE service_erasures (
    erasure_id uuid NOT NULL REFERENCES erasures (id),
    service text NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    erased_at timestamptz,
    PRIMARY KEY (erasure_id, service)
);
CREATE INDEX service_erasures_unconfirmed ON service_erasures (erasure_id) WHERE erased_at IS NULL;
"""

# What the app role may do in a caller's transaction, and to which rows.
_APP_GRANTS = {
    # Not their role, nor their tenant.
    "users": "SELECT, UPDATE (username, username_key, email, password_hash, status,"
    " last_login_at, deleted_at)",
    "logins": "SELECT, UPDATE, DELETE",
    "refresh_tokens": "SELECT, DELETE",
    "revocations": "SELECT, INSERT",
    "erasures": "SELECT, INSERT",
    "service_erasures": "SELECT, INSERT, UPDATE",
}

# Anybody's event may go in; none comes out but to the relay.
_OUTBOX_POLICIES = """
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_app ON outbox FOR INSERT TO parley_auth_app WITH CHECK (true);
CREATE POLICY outbox_worker ON outbox TO parley_auth_worker USING (true) WITH CHECK (true);
GRANT INSERT ON outbox TO parley_auth_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO parley_auth_worker;
"""

_TENANT = "(SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)"
_USER = "(SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute(_TABLES)
    for table, privileges in _APP_GRANTS.items():
        owner = "id" if table == "users" else "user_id"
        mine = f"tenant_id = {_TENANT} AND {owner} = {_USER}"
        op.execute(
            f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY {table}_app ON {table} TO parley_auth_app
                USING ({mine}) WITH CHECK ({mine});
            CREATE POLICY {table}_worker ON {table} TO parley_auth_worker
                USING (true) WITH CHECK (true);
            GRANT {privileges} ON {table} TO parley_auth_app;
            GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parley_auth_worker;
            """
        )
    op.execute("GRANT SELECT, INSERT ON tenants TO parley_auth_worker")
    op.execute(_OUTBOX_POLICIES)
