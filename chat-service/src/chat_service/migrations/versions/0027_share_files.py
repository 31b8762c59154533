"""Files that shares show: a table of references, by which they are kept, and read by whoever is let in."""

from alembic import op

from servicekit.tables import users_rows

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# The reader of a share sees this table, and no row of `files`.
_TABLE = """
ALTER TABLE shares ADD COLUMN include_files boolean NOT NULL DEFAULT false;
CREATE TABLE share_files (
    -- What readers know it by.
    id uuid PRIMARY KEY,
    share_id uuid NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    -- The share's, as it was taken: a release before this one refreshes shares and leaves these alone.
    revision integer NOT NULL,
    -- Of the message in share_messages.
    position integer NOT NULL,
    -- Among the files of that message.
    number smallint NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    file_id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    size bigint NOT NULL
);
CREATE INDEX share_files_by_share ON share_files (share_id, position, number);
CREATE INDEX share_files_by_file ON share_files (file_id);
"""

# A file that its owner deletes is in no share any more, whichever release deletes it.
_FOLLOW = """
CREATE TRIGGER share_files_release AFTER DELETE ON share_files
    FOR EACH ROW EXECUTE FUNCTION release_file();
CREATE FUNCTION unshare_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM share_files WHERE file_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER unshare_file AFTER UPDATE OF state ON files
    FOR EACH ROW WHEN (NEW.state = 'deleting' AND OLD.state <> 'deleting')
    EXECUTE FUNCTION unshare_file();
"""

_READERS = """
CREATE POLICY share_files_reader ON share_files FOR SELECT TO parley_chat_app USING (
    share_id = (
        SELECT shares.id FROM shares
        WHERE shares.state = 'open' AND shares.token_hash =
            decode(NULLIF(current_setting('parley.share', true), ''), 'hex')));
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(
        users_rows("chat", "share_files", app="SELECT, INSERT, DELETE", worker="SELECT, DELETE")
    )
    op.execute(_FOLLOW)
    op.execute(_READERS)
