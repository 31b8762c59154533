"""What was said in a conversation up to a message, summed up."""

from alembic import op

from chassis.db.migrate import beside_traffic

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Versions before this write none of them: their conversations are not summed up.
_COLUMNS = """
ALTER TABLE sessions ADD COLUMN IF NOT EXISTS summary boolean NOT NULL DEFAULT false;
ALTER TABLE messages ADD COLUMN IF NOT EXISTS summary text;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    with beside_traffic():
        # What an attempt that was cut short has left is not valid, and is made anew.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_summed_up")
        op.execute(
            'CREATE INDEX CONCURRENTLY messages_summed_up ON messages (session_id, "order")'
            " WHERE summary IS NOT NULL"
        )
