"""What follows a message is found by an index that can be used beneath a policy."""

from alembic import op

from chassis.db.migrate import beside_traffic

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with beside_traffic():
        # What an attempt that was cut short has left is not valid, and is made anew.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_by_parent_order")
        op.execute(
            "CREATE INDEX CONCURRENTLY messages_by_parent_order ON messages"
            ' (session_id, parent_order, "order") WHERE parent_order IS NOT NULL'
        )
        # Its expression subtracts: no policy lets it be looked up.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_by_parent")
