"""Sealed successors of refresh tokens, personal access tokens."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TENANT = "(SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)"
_USER = "(SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)"


def upgrade() -> None:
    op.execute("ALTER TABLE refresh_tokens ADD COLUMN successor bytea")
    op.execute(
        f"""
        CREATE TABLE tokens (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL REFERENCES users (id),
            digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
            name text NOT NULL,
            scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
            created_at timestamptz NOT NULL,
            expires_at timestamptz,
            last_used_at timestamptz
        );
        CREATE INDEX tokens_user_id ON tokens (user_id, created_at);
        CREATE INDEX tokens_expires_at ON tokens (expires_at) WHERE expires_at IS NOT NULL;
        ALTER TABLE tokens ENABLE ROW LEVEL SECURITY;
        ALTER TABLE tokens FORCE ROW LEVEL SECURITY;
        CREATE POLICY tokens_app ON tokens TO parley_auth_app
            USING (tenant_id = {_TENANT} AND user_id = {_USER})
            WITH CHECK (tenant_id = {_TENANT} AND user_id = {_USER});
        CREATE POLICY tokens_worker ON tokens TO parley_auth_worker USING (true) WITH CHECK (true);
        GRANT SELECT, INSERT, DELETE ON tokens TO parley_auth_app;
        GRANT SELECT, INSERT, UPDATE, DELETE ON tokens TO parley_auth_worker;
        """
    )
