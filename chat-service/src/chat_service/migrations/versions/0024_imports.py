"""Imports of conversations: their jobs, the bytes that are yet to be read, and what came of which source."""

from alembic import op

from servicekit.tables import users_rows

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_IMPORTS = """
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- What its user called the file: a label.
    name text NOT NULL,
    state text NOT NULL CHECK (
        state IN ('uploading', 'waiting', 'reading', 'completed', 'failed', 'cancelled')),
    -- Bytes of the file.
    size bigint NOT NULL DEFAULT 0,
    -- Which application it is of; null until that is known.
    format text,
    -- How much of it has been read, from 0 to 1.
    done double precision NOT NULL DEFAULT 0,
    -- Conversations that were added, that were there already, and that were not taken; what came with them.
    added integer NOT NULL DEFAULT 0,
    existing integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    messages integer NOT NULL DEFAULT 0,
    personas integer NOT NULL DEFAULT 0,
    -- Parts that were not taken, how many by reason; the first of the conversations that were not, each with
    -- its title and its reason.
    left_out jsonb NOT NULL DEFAULT '{}',
    problems jsonb NOT NULL DEFAULT '[]',
    -- Why it failed.
    reason text,
    attempts smallint NOT NULL DEFAULT 0,
    -- Which replica reads it, or takes it in, and when it was last heard of.
    owner text,
    heard_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state IN ('completed', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX imports_by_age ON imports (user_id, created_at DESC, id DESC);
CREATE INDEX imports_unfinished ON imports (heard_at) WHERE ended_at IS NULL;
CREATE INDEX imports_ended ON imports (ended_at) WHERE ended_at IS NOT NULL;
"""

_PIECES = """
CREATE TABLE import_pieces (
    import_id uuid NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number integer NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- Whether it is packed (zlib); what would not become smaller is as it came.
    packed boolean NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (import_id, number)
);
-- It is as small as it gets.
ALTER TABLE import_pieces ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX import_pieces_by_user ON import_pieces (user_id);
"""

_IMPORTED = """
CREATE TABLE imported (
    user_id uuid NOT NULL,
    -- The application, and what it calls the conversation.
    source text NOT NULL,
    key text NOT NULL,
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, source, key)
);
CREATE INDEX imported_by_session ON imported (session_id);
"""


def upgrade() -> None:
    for tables in (_IMPORTS, _PIECES, _IMPORTED):
        op.execute(tables)
    for table, worker in (
        ("imports", "SELECT, UPDATE, DELETE"),
        ("import_pieces", "SELECT, UPDATE (number), DELETE"),
        ("imported", "SELECT, DELETE"),
    ):
        op.execute(users_rows("chat", table, app="SELECT, INSERT, UPDATE, DELETE", worker=worker))
