"""A user's live runs are counted at each admission, however many have ended."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX runs_live_by_user ON runs (user_id) WHERE status = 'running'")
