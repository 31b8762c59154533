"""Changes of settings have an order, by which chat-service follows them."""

from alembic import op
from sqlalchemy import text

from chassis.db.migrate import beside_traffic

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# A constant takes no time, however many rows there are.
_COLUMN = """
CREATE SEQUENCE IF NOT EXISTS user_settings_changes;
ALTER TABLE user_settings ADD COLUMN IF NOT EXISTS change bigint NOT NULL DEFAULT 0;
GRANT USAGE ON SEQUENCE user_settings_changes TO parley_auth_app, parley_auth_worker;
GRANT SELECT ON SEQUENCE user_settings_changes TO parley_auth_worker;
"""

# One change at a time has a number that is not committed yet, until its transaction ends: whoever
# reads up to a number will never find a lower one later. Whoever changes something may be of a
# release that does not know the column.
_ORDER = """
CREATE OR REPLACE FUNCTION user_settings_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('change of user settings', 0));
    NEW.change := nextval('user_settings_changes');
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER user_settings_number BEFORE INSERT OR UPDATE ON user_settings
    FOR EACH ROW EXECUTE FUNCTION user_settings_number();
"""

# What was set before has no number yet. Whoever sets something meanwhile waits for one batch.
_BATCH = 500
_NUMBER_SOME = text("""
UPDATE user_settings SET change = 0
WHERE user_id IN (SELECT user_id FROM user_settings WHERE change = 0 LIMIT :most)
""")


def upgrade() -> None:
    op.execute(_COLUMN)
    op.execute(_ORDER)
    with beside_traffic():
        # The owner's own policies would show it no row. Nobody else is let in by this.
        op.execute("ALTER TABLE user_settings NO FORCE ROW LEVEL SECURITY")
        while op.get_bind().execute(_NUMBER_SOME, {"most": _BATCH}).rowcount:
            pass
        op.execute("ALTER TABLE user_settings FORCE ROW LEVEL SECURITY")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS user_settings_by_change")
        op.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY user_settings_by_change ON user_settings (change)"
        )
