"""Indexes of the columns of 0004, made while notes are written."""

from alembic import op

from chassis.db.migrate import beside_traffic

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Without a list of what is yet to be put in, which every search would walk.
_INDEXES = {
    "notes_lexemes": (
        "USING gin ((title_lexemes || tags_lexemes || content_lexemes)) WITH (fastupdate = off)"
    ),
    "notes_pinned": "(user_id, updated_at, id) WHERE pinned",
    # For whoever makes what is yet to be made.
    "notes_unindexed": "(id) WHERE title_lexemes IS NULL OR content_lexemes IS NULL",
}


def upgrade() -> None:
    with beside_traffic():
        for name, how in _INDEXES.items():
            # One that was begun and not finished is there, and good for nothing.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON notes {how}")
