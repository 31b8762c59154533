"""Changes of settings have an order, by which chat-service follows them."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# The rows that are there get their numbers with the column, in whatever order.
_COLUMN = """
CREATE SEQUENCE user_settings_changes;
ALTER TABLE user_settings
    ADD COLUMN change bigint NOT NULL DEFAULT nextval('user_settings_changes');
ALTER TABLE user_settings ALTER COLUMN change DROP DEFAULT;
CREATE UNIQUE INDEX user_settings_by_change ON user_settings (change);
GRANT USAGE ON SEQUENCE user_settings_changes TO parley_auth_app, parley_auth_worker;
GRANT SELECT ON SEQUENCE user_settings_changes TO parley_auth_worker;
"""

# One change at a time has a number that is not committed yet, until its transaction ends: whoever
# reads up to a number will never find a lower one later. Whoever changes something may be of a
# release that does not know the column.
_ORDER = """
CREATE FUNCTION user_settings_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('change of user settings', 0));
    NEW.change := nextval('user_settings_changes');
    RETURN NEW;
END $$;
CREATE TRIGGER user_settings_number BEFORE INSERT OR UPDATE ON user_settings
    FOR EACH ROW EXECUTE FUNCTION user_settings_number();
"""


def upgrade() -> None:
    op.execute(_COLUMN)
    op.execute(_ORDER)
