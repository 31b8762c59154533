"""What titles and messages are found by, and which of them are yet to be indexed."""

from alembic import op

from chassis.db.migrate import beside_traffic
from servicekit.tables import users_rows

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# How many messages of a conversation are indexed; null: nobody has looked yet; negative, and another
# number each time: something else has changed. Other than message_count: there is something to do.
_COLUMN = "ALTER TABLE sessions ADD COLUMN IF NOT EXISTS indexed_count integer"

_INDEX = (
    "(user_id, active_at) WHERE indexed_count IS DISTINCT FROM message_count"
    " AND NOT temporary AND NOT purging"
)

# A row is of the text as it is: when that changes it goes, and is made anew.
_TABLE = """
CREATE TABLE search_texts (
    -- The message's, or of a title the session's.
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    -- The message's, or title.
    role text NOT NULL,
    -- When the message, or the session, was made.
    at timestamptz NOT NULL,
    lexemes tsvector NOT NULL
);
-- Each user's lexemes begin with other characters, so that nothing is to be learnt from all of them.
ALTER TABLE search_texts ALTER COLUMN lexemes SET STATISTICS 0;
-- Without a list of what is yet to be put in, which every search would walk.
CREATE INDEX search_texts_lexemes ON search_texts USING gin (lexemes) WITH (fastupdate = off);
"""

# Also for what versions before this one write, and whatever deletes a row. A row is looked up by its id:
# a plan that was made for few of them is kept for many.
_FOLLOW = """
CREATE FUNCTION session_is_to_be_indexed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title IS DISTINCT FROM OLD.title THEN
        DELETE FROM search_texts WHERE id = OLD.id;
    END IF;
    NEW.indexed_count := least(coalesce(OLD.indexed_count, 0), 0) - 1;
    RETURN NEW;
END
$$;
CREATE TRIGGER session_is_to_be_indexed BEFORE UPDATE ON sessions
    FOR EACH ROW WHEN (NEW.title IS DISTINCT FROM OLD.title OR NEW.message_count < OLD.message_count)
    EXECUTE FUNCTION session_is_to_be_indexed();

CREATE FUNCTION message_is_to_be_indexed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_texts WHERE id = OLD.id;
    UPDATE sessions SET indexed_count = least(coalesce(indexed_count, 0), 0) - 1
    WHERE id = OLD.session_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER message_is_to_be_indexed AFTER UPDATE OF content ON messages
    FOR EACH ROW WHEN (NEW.content IS DISTINCT FROM OLD.content)
    EXECUTE FUNCTION message_is_to_be_indexed();

CREATE FUNCTION forget_search_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_texts WHERE id = ANY (ARRAY(SELECT gone.id FROM gone));
    RETURN NULL;
END
$$;
CREATE TRIGGER forget_search_texts AFTER DELETE ON messages
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_search_texts();
CREATE TRIGGER forget_search_texts AFTER DELETE ON sessions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_search_texts();
"""

# An index on what is inside a tsvector is never used beneath a policy that is not constant: its
# operator is not leakproof. So it is read by a function in the owner's name, which takes tenant and user
# from where the policies take them, and tells where something may be found; the texts themselves
# are read beneath the policies. The owner, who could read and delete everything anyway, may read
# these two tables, and delete what hangs on a session that it deletes.
#
# Sessions are looked up by their ids, for as many candidates as are wanted, the newest first: OFFSET 0
# keeps the planner from looking through all that the user has.
_FIND = """
CREATE POLICY search_texts_owner ON search_texts TO parley_chat_owner USING (true);
CREATE POLICY sessions_owner ON sessions FOR SELECT TO parley_chat_owner USING (true);
CREATE FUNCTION find_texts(
    sought tsquery, roles text[], only_session uuid, is_archived boolean,
    from_at timestamptz, to_at timestamptz, after_at timestamptz, after_id uuid, most bigint
) RETURNS TABLE (id uuid, session_id uuid, role text, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
    WITH me AS MATERIALIZED (
        SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid AS tenant_id,
            NULLIF(current_setting('parley.user_id', true), '')::uuid AS user_id
    ), candidates AS MATERIALIZED (
        SELECT texts.id, texts.tenant_id, texts.user_id, texts.session_id, texts.role, texts.at
        FROM public.search_texts AS texts WHERE texts.lexemes @@ sought
    ), mine AS MATERIALIZED (
        SELECT candidates.id, candidates.session_id, candidates.role, candidates.at
        FROM candidates
        WHERE candidates.tenant_id = (SELECT me.tenant_id FROM me)
            AND candidates.user_id = (SELECT me.user_id FROM me)
            AND candidates.role = ANY (roles)
            AND (only_session IS NULL OR candidates.session_id = only_session)
            AND (from_at IS NULL OR candidates.at >= from_at)
            AND (to_at IS NULL OR candidates.at < to_at)
            AND (after_at IS NULL OR (candidates.at, candidates.id) < (after_at, after_id))
        ORDER BY candidates.at DESC, candidates.id DESC
    )
    SELECT mine.id, mine.session_id, mine.role, mine.at
    FROM mine CROSS JOIN LATERAL (
        SELECT sessions.user_id, sessions.deleted_at, sessions.temporary, sessions.archived_at
        FROM public.sessions WHERE sessions.id = mine.session_id OFFSET 0) AS of_it
    WHERE of_it.user_id = (SELECT me.user_id FROM me)
        AND of_it.deleted_at IS NULL AND NOT of_it.temporary
        AND (is_archived IS NULL OR (of_it.archived_at IS NOT NULL) = is_archived)
    ORDER BY mine.at DESC, mine.id DESC
    LIMIT most
$$;
REVOKE ALL ON FUNCTION find_texts FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_texts TO parley_chat_app;
"""


def upgrade() -> None:
    op.execute(_COLUMN)
    # What an attempt that was cut short has left is not valid, and is made anew.
    with beside_traffic():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS sessions_unindexed")
        op.execute(f"CREATE INDEX CONCURRENTLY sessions_unindexed ON sessions {_INDEX}")
    op.execute(_TABLE)
    # Rows are made by a background job alone; who deletes a text deletes its row.
    op.execute(
        users_rows("chat", "search_texts", app="SELECT, DELETE", worker="SELECT, INSERT, DELETE")
    )
    op.execute(_FOLLOW)
    op.execute(_FIND)
