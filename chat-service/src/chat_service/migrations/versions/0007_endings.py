"""An answer says why it ended, by the provider's word and by ours, and what was asked for."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # All null in rows of versions before, and where such a version ends a run beside this one.
    op.execute(
        "ALTER TABLE messages"
        " ADD COLUMN finish_reason text, ADD COLUMN reason text, ADD COLUMN parameters jsonb"
    )
