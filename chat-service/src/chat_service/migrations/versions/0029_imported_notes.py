"""Whether an import takes the notes of its file, and how many it has taken."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE imports ADD COLUMN with_notes boolean NOT NULL DEFAULT false,"
        " ADD COLUMN notes integer NOT NULL DEFAULT 0"
    )
