"""A copy of what users have set, as far as conversations go by it."""

from alembic import op

from servicekit.tables import users_rows

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COPY = """
CREATE TABLE user_settings (
    user_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    instructions text NOT NULL,
    -- As fold_name makes it.
    default_persona_folded text,
    titles_by_model boolean NOT NULL,
    retention_days integer,
    -- auth-service's number of it.
    change bigint NOT NULL
);
CREATE INDEX user_settings_retained ON user_settings (user_id) WHERE retention_days IS NOT NULL;
"""

# Up to which number changes were taken: of all users together, and so for background jobs alone.
_CURSOR = """
CREATE TABLE user_settings_cursor (
    is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one),
    change bigint NOT NULL
);
INSERT INTO user_settings_cursor (change) VALUES (0);
ALTER TABLE user_settings_cursor ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_settings_cursor FORCE ROW LEVEL SECURITY;
CREATE POLICY user_settings_cursor_worker ON user_settings_cursor TO parley_chat_worker
    USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE ON user_settings_cursor TO parley_chat_worker;
"""


def upgrade() -> None:
    op.execute(_COPY)
    op.execute(
        users_rows("chat", "user_settings", app="SELECT", worker="SELECT, INSERT, UPDATE, DELETE")
    )
    op.execute(_CURSOR)
