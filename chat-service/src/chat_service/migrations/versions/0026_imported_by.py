"""Which import has brought a conversation: one that is taken over goes on counting."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE imported ADD COLUMN import_id uuid")
