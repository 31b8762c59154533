"""Users' settings: one row each, for those who have set something."""

from alembic import op

from servicekit.tables import users_rows

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE user_settings (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    tenant_id uuid NOT NULL,
    settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object'),
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL
);
"""

# Whoever deletes a user may be of a release that does not know this table.
_ERASURE = """
CREATE FUNCTION users_forget_settings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM user_settings WHERE user_settings.user_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER users_forget_settings AFTER UPDATE OF status ON users
    FOR EACH ROW WHEN (NEW.status = 'deleted') EXECUTE FUNCTION users_forget_settings();
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(
        users_rows(
            "auth", "user_settings", app="SELECT, INSERT, UPDATE, DELETE", worker="SELECT, DELETE"
        )
    )
    op.execute(_ERASURE)
