"""Codes, counters of attempts, verified e-mail addresses, display names."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLES = """
-- Attempts that were let through, by whom they count against; both are digests.
CREATE TABLE counters (
    scope text NOT NULL,
    subject bytea NOT NULL CHECK (octet_length(subject) = 32),
    hits timestamptz[] NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (scope, subject)
);
CREATE INDEX counters_expires_at ON counters (expires_at);

-- One code for each purpose and address; neither the address nor the code is in it.
CREATE TABLE codes (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 32),
    purpose text NOT NULL CHECK (purpose IN ('register', 'password_reset')),
    digest bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX codes_expires_at ON codes (expires_at);

-- The key is there while the address is verified, and only then must it be nobody else's.
ALTER TABLE users
    ADD COLUMN email_key text UNIQUE,
    ADD COLUMN email_verified_at timestamptz,
    ADD COLUMN display_name text,
    ADD CONSTRAINT users_key_is_of_verified_email
        CHECK ((email_key IS NULL) = (email_verified_at IS NULL)),
    ADD CONSTRAINT users_deleted_has_no_profile CHECK (
        status <> 'deleted' OR num_nonnulls(email_key, email_verified_at, display_name) = 0
    );
GRANT UPDATE (email_key, email_verified_at, display_name) ON users TO parley_auth_app;
"""


def upgrade() -> None:
    op.execute(_TABLES)
    # Nobody's rows: who guesses or redeems has not shown yet who they are.
    for table in ("counters", "codes"):
        op.execute(
            f"""
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY {table}_worker ON {table} TO parley_auth_worker
                USING (true) WITH CHECK (true);
            GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO parley_auth_worker;
            """
        )
