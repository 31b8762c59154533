"""Texts are found by filters that are compared, instead of words that are looked up."""

from alembic import op

from chassis.db.migrate import beside_traffic

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Rows are compared by the thousand: none is to be elsewhere but for the longest texts' own.
_COLUMNS = """
ALTER TABLE search_texts
    ADD COLUMN IF NOT EXISTS filter bit varying,
    ADD COLUMN IF NOT EXISTS size smallint,
    ALTER COLUMN lexemes DROP NOT NULL;
ALTER TABLE search_texts ALTER COLUMN filter SET STORAGE EXTERNAL, ALTER COLUMN filter SET STATISTICS 0;
ALTER TABLE search_texts SET (toast_tuple_target = 8160,
    -- What was added is to be known as visible soon: else rows are looked up for that alone.
    autovacuum_vacuum_insert_scale_factor = 0.01, autovacuum_vacuum_insert_threshold = 5000);
GRANT UPDATE (filter, size, lexemes) ON search_texts TO parley_chat_worker;
"""

# The first has the filters themselves, up to 16,384 bits: a user's are read in one go, where in the table each
# is on a page of its own, among those of other users. What is longer, or has no filter yet, is in the second.
_INDEXES = {
    "search_texts_by_time": (
        "(user_id, at DESC, id DESC) INCLUDE (tenant_id, session_id, role, size, filter) WHERE size < 15"
    ),
    "search_texts_by_time_long": "(user_id, at DESC, id DESC) WHERE size >= 15 OR size IS NULL",
    "search_texts_unfiltered": "(id) WHERE filter IS NULL",
}

# For an earlier release beside this one, which looks words up: it gets its candidates from the user's own
# texts, and what has no words any more is one. Each half is of one index, and is read in its order.
_FIND = """
CREATE OR REPLACE FUNCTION find_texts(
    sought tsquery, roles text[], only_session uuid, is_archived boolean,
    from_at timestamptz, to_at timestamptz, after_at timestamptz, after_id uuid, most bigint
) RETURNS TABLE (id uuid, session_id uuid, role text, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off
SET enable_bitmapscan = off
SET jit = off
AS $$
    WITH me AS MATERIALIZED (
        SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid AS tenant_id,
            NULLIF(current_setting('parley.user_id', true), '')::uuid AS user_id
    )
    SELECT texts.id, texts.session_id, texts.role, texts.at
    FROM (
        (SELECT short.id, short.tenant_id, short.session_id, short.role, short.at, short.lexemes
         FROM public.search_texts AS short
         WHERE short.user_id = (SELECT me.user_id FROM me) AND short.size < 15
         ORDER BY short.at DESC, short.id DESC OFFSET 0)
        UNION ALL
        (SELECT long.id, long.tenant_id, long.session_id, long.role, long.at, long.lexemes
         FROM public.search_texts AS long
         WHERE long.user_id = (SELECT me.user_id FROM me) AND (long.size >= 15 OR long.size IS NULL)
         ORDER BY long.at DESC, long.id DESC OFFSET 0)
    ) AS texts CROSS JOIN LATERAL (
        SELECT sessions.user_id, sessions.deleted_at, sessions.temporary, sessions.archived_at
        FROM public.sessions WHERE sessions.id = texts.session_id OFFSET 0) AS of_it
    WHERE texts.tenant_id = (SELECT me.tenant_id FROM me)
        AND (texts.lexemes IS NULL OR texts.lexemes @@ sought)
        AND texts.role = ANY (roles)
        AND (only_session IS NULL OR texts.session_id = only_session)
        AND (find_texts.from_at IS NULL OR texts.at >= find_texts.from_at)
        AND (find_texts.to_at IS NULL OR texts.at < find_texts.to_at)
        AND (after_at IS NULL OR (texts.at, texts.id) < (after_at, after_id))
        AND of_it.user_id = (SELECT me.user_id FROM me)
        AND of_it.deleted_at IS NULL AND NOT of_it.temporary
        AND (is_archived IS NULL OR (of_it.archived_at IS NOT NULL) = is_archived)
    ORDER BY texts.at DESC, texts.id DESC
    LIMIT most
$$;
"""


def upgrade() -> None:
    op.execute(_COLUMNS)
    with beside_traffic():
        for name, of in _INDEXES.items():
            # What an attempt that was cut short has left is not valid, and is made anew.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON search_texts {of}")
    op.execute(_FIND)
    with beside_traffic():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS search_texts_lexemes")
