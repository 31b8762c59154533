"""Connections whole: headers, parameters, a fallback, a default, and what came of using them."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Of rows that are there, and of those that the version before goes on storing: what it has asked
# for whatever the question said nothing of.
_COLUMNS = """
ALTER TABLE keys
    ADD COLUMN parameters jsonb NOT NULL DEFAULT '{"temperature": 0.7, "max_tokens": 2048}',
    ADD COLUMN header_names text[] NOT NULL DEFAULT '{}',
    -- Names and values, sealed as the key is, at a place of their own.
    ADD COLUMN headers_ciphertext bytea,
    ADD COLUMN headers_wrapped_key bytea,
    ADD COLUMN headers_kek_id text,
    ADD COLUMN fallback_key_id uuid,
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN last_error_reason text,
    ADD COLUMN last_error_at timestamptz,
    -- [{"model", "parameter", "use"}], the newest last.
    ADD COLUMN learnt jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT keys_headers_whole
        CHECK (num_nulls(headers_ciphertext, headers_wrapped_key, headers_kek_id) IN (0, 3)),
    ADD CONSTRAINT keys_of_user UNIQUE (user_id, id),
    -- One's own, and none any more once that one is deleted.
    ADD CONSTRAINT keys_fallback FOREIGN KEY (user_id, fallback_key_id)
        REFERENCES keys (user_id, id) ON DELETE SET NULL (fallback_key_id);
CREATE INDEX keys_by_fallback ON keys (user_id, fallback_key_id) WHERE fallback_key_id IS NOT NULL;
"""

# No reference to keys: it may be one of the operator's, which have no row there.
_TABLES = """
CREATE TABLE default_keys (
    user_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    key_id uuid NOT NULL
);

-- What came of using the operator's: of everybody's use, and nobody's name.
CREATE TABLE operator_keys (
    key_id uuid PRIMARY KEY,
    last_error_reason text,
    last_error_at timestamptz,
    learnt jsonb NOT NULL DEFAULT '[]'
);
"""

_MINE = """
    tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
"""

_SECURITY = f"""
-- Whose a row is and when it was made stays as it was; who used it last is the worker's to write.
GRANT UPDATE (
    name, name_folded, masked_key, model, base_url, provider, ciphertext, wrapped_key, kek_id,
    updated_at, parameters, header_names, headers_ciphertext, headers_wrapped_key, headers_kek_id,
    fallback_key_id, last_error_reason, last_error_at, learnt
), DELETE ON keys TO parley_apikey_app;

ALTER TABLE default_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE default_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY default_keys_app ON default_keys TO parley_apikey_app USING ({_MINE});
CREATE POLICY default_keys_worker ON default_keys TO parley_apikey_worker USING (true);
GRANT SELECT, INSERT, UPDATE (key_id), DELETE ON default_keys TO parley_apikey_app;
GRANT SELECT, DELETE ON default_keys TO parley_apikey_worker;

ALTER TABLE operator_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE operator_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY operator_keys_worker ON operator_keys TO parley_apikey_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON operator_keys TO parley_apikey_worker;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    op.execute(_TABLES)
    op.execute(_SECURITY)
