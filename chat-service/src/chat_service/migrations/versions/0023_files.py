"""Files that users have uploaded, and the messages that they are attached to."""

from alembic import op

from servicekit.tables import users_rows

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_FILES = """
CREATE TABLE files (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- What it was called where it came from: a label, and part of no path.
    name text NOT NULL,
    -- What its content is; null until that is known.
    kind text,
    -- Bytes that are kept of it; while it is uploaded, those that are set aside for it.
    size bigint NOT NULL CHECK (size >= 0),
    sha256 bytea,
    -- Bytes of the text that was taken out of it and is kept beside it; null: there is none.
    text_size bigint CHECK (text_size >= 0),
    -- What its kind has to say of it, such as the width and height of a picture.
    facts jsonb NOT NULL DEFAULT '{}',
    -- lost: its bytes were not found. deleting: they are being taken away, and the row behind them.
    state text NOT NULL CHECK (state IN ('uploading', 'ready', 'lost', 'deleting')),
    created_at timestamptz NOT NULL,
    -- Until then it is kept whether anything refers to it or not; whoever comes to refer to it
    -- sets it anew, so that a sweep that has looked before finds the row changed.
    held_until timestamptz NOT NULL,
    CHECK (state IN ('uploading', 'deleting') OR (kind IS NOT NULL AND sha256 IS NOT NULL))
);
CREATE INDEX files_by_age ON files (user_id, created_at, id);
CREATE INDEX files_by_hold ON files (held_until);
CREATE INDEX files_in_order ON files (user_id, id);
CREATE INDEX files_deleting ON files (id) WHERE state = 'deleting';
"""

# No row of `files` is needed for it: a message goes on saying what was attached to it.
_MESSAGE_FILES = """
CREATE TABLE message_files (
    message_id uuid NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position smallint NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    file_id uuid NOT NULL,
    -- As they were when it was attached.
    name text NOT NULL,
    kind text NOT NULL,
    size bigint NOT NULL,
    PRIMARY KEY (message_id, position)
);
CREATE INDEX message_files_by_file ON message_files (file_id);
"""

# A file that was referred to is held for long, so that it is seldom looked at. Whatever takes a reference
# away, a cascade above all, has it looked at again.
_RELEASE = """
CREATE FUNCTION release_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE files SET held_until = now() WHERE id = OLD.file_id AND held_until > now();
    RETURN NULL;
END
$$;
CREATE TRIGGER message_files_release AFTER DELETE ON message_files
    FOR EACH ROW EXECUTE FUNCTION release_file();
-- A cascade runs in the owner's name.
CREATE POLICY files_owner ON files TO parley_chat_owner USING (true);
"""


def upgrade() -> None:
    op.execute(_FILES)
    op.execute(_MESSAGE_FILES)
    op.execute(_RELEASE)
    for table in ("files", "message_files"):
        op.execute(
            users_rows(
                "chat",
                table,
                app="SELECT, INSERT, UPDATE, DELETE",
                worker="SELECT, UPDATE, DELETE",
            )
        )
