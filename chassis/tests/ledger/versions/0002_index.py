"""An index that is built beside the traffic, and so outside of any transaction."""

from alembic import op

from chassis.db.migrate import beside_traffic

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with beside_traffic():
        op.execute("CREATE INDEX CONCURRENTLY entries_owner ON entries (tenant_id, user_id)")
