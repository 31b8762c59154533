"""What a conversation has of its persona, which goes when another one is taken."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of what is there nobody knows any more whose it was: it stays, as its user's own.
    op.execute("ALTER TABLE sessions ADD COLUMN IF NOT EXISTS persona_gave jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE sessions DROP COLUMN IF EXISTS persona_gave")
