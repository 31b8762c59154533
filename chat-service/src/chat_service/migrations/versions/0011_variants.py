"""What follows a message is found by an index."""

from alembic import op

from chassis.db.migrate import beside_traffic

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Messages are written meanwhile. One that was given up half-way stays behind, and is no index.
    with beside_traffic():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS messages_by_parent")
        op.execute(
            "CREATE INDEX CONCURRENTLY messages_by_parent ON messages"
            ' (session_id, (coalesce(parent_order, "order" - 1)), "order")'
        )
