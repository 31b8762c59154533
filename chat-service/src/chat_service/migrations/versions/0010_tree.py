"""Messages are a tree, and each session has one chosen path through it."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Existing rows need no change: what has no parent follows the message before it, and is chosen.
_COLUMNS = """
ALTER TABLE sessions ADD COLUMN leaf_order integer;
ALTER TABLE messages
    ADD COLUMN parent_order integer,
    ADD COLUMN chosen boolean NOT NULL DEFAULT true;
-- Of what messages the prompt was made.
ALTER TABLE runs ADD COLUMN context jsonb;
"""

# A version before this one appends to a conversation that has other paths: its question goes behind
# the chosen path's end, its answer behind the question of its run. It fires when the statement is
# through, which has changed the session's row itself.
_EARLIER_VERSIONS = """
CREATE FUNCTION messages_of_earlier_versions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    leaf integer;
    parent integer;
BEGIN
    SELECT leaf_order INTO leaf FROM sessions WHERE id = NEW.session_id;
    IF leaf IS NULL THEN
        RETURN NULL;
    END IF;
    parent := leaf;
    IF NEW.role = 'assistant' THEN
        SELECT question_order INTO parent FROM runs WHERE id = NEW.run_id;
    END IF;
    UPDATE messages SET parent_order = parent, chosen = (parent = leaf) WHERE id = NEW.id;
    UPDATE sessions SET leaf_order = NEW."order" WHERE id = NEW.session_id AND leaf_order = parent;
    RETURN NULL;
END
$$;
CREATE TRIGGER messages_of_earlier_versions AFTER INSERT ON messages
    FOR EACH ROW WHEN (NEW.parent_order IS NULL)
    EXECUTE FUNCTION messages_of_earlier_versions();
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    op.execute(_EARLIER_VERSIONS)
