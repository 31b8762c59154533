"""Tokens that were found kept or thought with, and what was asked for and not generated with."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # All null where nothing is known of it, and in rows that a version before has ended.
    for table in ("runs", "messages"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN cached_tokens integer,"
            " ADD COLUMN reasoning_tokens integer, ADD COLUMN adapted jsonb"
        )
