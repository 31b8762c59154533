"""Whether an answer was kept from an earlier one, and the form that a run's readers are given."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN IF NOT EXISTS cache text")
    op.execute(
        "ALTER TABLE runs ADD COLUMN IF NOT EXISTS cache text, ADD COLUMN IF NOT EXISTS form text"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE runs DROP COLUMN IF EXISTS form, DROP COLUMN IF EXISTS cache")
    op.execute("ALTER TABLE messages DROP COLUMN IF EXISTS cache")
