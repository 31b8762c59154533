"""A conversation may be pinned."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE sessions ADD COLUMN pinned boolean NOT NULL DEFAULT false")
    # Few are: the list of them is short, however many there are beside.
    op.execute(
        "CREATE INDEX sessions_pinned ON sessions (user_id, active_at DESC, id DESC) WHERE pinned"
    )
