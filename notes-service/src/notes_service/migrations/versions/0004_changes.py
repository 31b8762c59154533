"""Notes that change, bear tags, are pinned, and know where they were taken from; what they are found by.

Only added to, without a rewrite: code of before goes on writing rows, in which nothing is to be found yet.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What rows are found by is made of title, tags and content each by itself: so that a change of the one
# needs nothing of the others. NULL: yet to be made.
_COLUMNS = """
ALTER TABLE notes
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    ADD COLUMN pinned boolean NOT NULL DEFAULT false,
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN source_session_id uuid,
    ADD COLUMN source_message_id uuid,
    ADD COLUMN title_lexemes tsvector,
    ADD COLUMN tags_lexemes tsvector NOT NULL DEFAULT '',
    ADD COLUMN content_lexemes tsvector;
GRANT UPDATE (
    title, content, updated_at, tags, pinned, version, source_session_id, source_message_id,
    title_lexemes, tags_lexemes, content_lexemes
) ON notes TO parley_notes_app;
"""

# An index on what is inside a tsvector is never used beneath a policy that is not constant: its
# operator is not leakproof. So it is read by a function in the owner's name, which takes tenant and user
# from where the policies take them, asks the index for that user's part alone, and tells ids: the rows
# themselves are read beneath the policies. The owner, who could read everything anyway, may read notes.
_SEARCH = """
CREATE POLICY notes_owner ON notes FOR SELECT TO parley_notes_owner USING (true);
CREATE FUNCTION search_notes(
    sought tsquery, is_pinned boolean, after_at timestamptz, after_id uuid, most bigint
) RETURNS TABLE (note_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 100
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
AS $$
    WITH me AS MATERIALIZED (
        SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid AS tenant_id,
            NULLIF(current_setting('parley.user_id', true), '')::uuid AS user_id
    ), candidates AS MATERIALIZED (
        SELECT notes.id, notes.tenant_id, notes.user_id, notes.pinned, notes.updated_at
        FROM public.notes
        WHERE (notes.title_lexemes || notes.tags_lexemes || notes.content_lexemes)
            @@ (('''@' || (SELECT me.user_id FROM me) || '''')::tsquery && sought)
    )
    SELECT candidates.id
    FROM candidates JOIN me ON me.tenant_id = candidates.tenant_id AND me.user_id = candidates.user_id
    WHERE (is_pinned IS NULL OR candidates.pinned = is_pinned)
        AND (after_at IS NULL OR (candidates.updated_at, candidates.id) < (after_at, after_id))
    ORDER BY candidates.updated_at DESC, candidates.id DESC
    LIMIT most
$$;
REVOKE ALL ON FUNCTION search_notes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_notes TO parley_notes_app;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    op.execute(_SEARCH)
