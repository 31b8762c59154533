"""What a conversation has of its own, how it is filed, and how it ends."""

from alembic import op

from chassis.db.migrate import beside_traffic

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Who named the conversations that are there is not known: a title that may be its user's stays.
# What they hold counts as read: null means all of it. Versions before this write neither column.
_COLUMNS = """
ALTER TABLE sessions
    ADD COLUMN IF NOT EXISTS persona text,
    ADD COLUMN IF NOT EXISTS persona_prompt text,
    ADD COLUMN IF NOT EXISTS parameters jsonb,
    ADD COLUMN IF NOT EXISTS instructions text,
    ADD COLUMN IF NOT EXISTS folder text,
    ADD COLUMN IF NOT EXISTS archived_at timestamptz,
    ADD COLUMN IF NOT EXISTS deleted_at timestamptz,
    ADD COLUMN IF NOT EXISTS purging boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS temporary boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS read_order integer,
    ADD COLUMN IF NOT EXISTS title_by text NOT NULL DEFAULT 'user';
ALTER TABLE sessions
    ALTER COLUMN read_order SET DEFAULT 0,
    ALTER COLUMN title_by SET DEFAULT 'first_line';
"""

_LISTED = "(user_id, temporary, pinned, active_at, id)"
# The lists of one user by state, and by folder; then what background jobs look for.
_INDEXES = {
    "sessions_active": f"{_LISTED} WHERE deleted_at IS NULL AND archived_at IS NULL",
    "sessions_archived": f"{_LISTED} WHERE deleted_at IS NULL AND archived_at IS NOT NULL",
    "sessions_deleted": f"{_LISTED} WHERE deleted_at IS NOT NULL AND NOT purging",
    "sessions_by_folder": "(user_id, folder, temporary, pinned, active_at, id)"
    " WHERE folder IS NOT NULL AND deleted_at IS NULL AND archived_at IS NULL",
    "sessions_by_deletion": "(deleted_at) WHERE deleted_at IS NOT NULL AND NOT purging",
    "sessions_temporary": "(active_at) WHERE temporary AND NOT purging",
    "sessions_purging": "(id) WHERE purging",
}


def upgrade() -> None:
    op.execute(_COLUMNS)
    with beside_traffic():
        for name, index in _INDEXES.items():
            # What an attempt that was cut short has left is not valid, and is made anew.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON sessions {index}")
