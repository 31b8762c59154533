"""Shares of conversations, and the guesses at their passwords."""

from alembic import op

from servicekit.tables import counters, users_rows

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE shares (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    -- Of the token that opens it, which is nowhere.
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    -- What openings are made with.
    opening_key bytea NOT NULL,
    -- suspended: its conversation is deleted; gone: it is to be taken away.
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'suspended', 'gone')),
    audience text NOT NULL CHECK (audience IN ('link', 'members')),
    password_hash text,
    expires_at timestamptz,
    max_views integer,
    opens integer NOT NULL DEFAULT 0,
    include_reasoning boolean NOT NULL,
    -- Of what is shared, as it was taken at refreshed_at.
    title text NOT NULL,
    message_count integer NOT NULL,
    refreshed_at timestamptz NOT NULL,
    -- How often it was refreshed.
    revision integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL
);
CREATE INDEX shares_by_age ON shares (user_id, created_at, id);
CREATE INDEX shares_by_session ON shares (session_id);
CREATE INDEX shares_by_expiry ON shares (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX shares_gone ON shares (id) WHERE state = 'gone';

-- What is shared of messages, and nothing else of them.
CREATE TABLE share_messages (
    share_id uuid NOT NULL,
    position integer NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('user', 'assistant')),
    content text NOT NULL,
    reasoning text,
    model text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (share_id, position)
);
"""

# Who says the hash of a share's token sees that share, and may count an opening: whoever's it is.
_READERS = """
CREATE POLICY shares_reader ON shares FOR SELECT TO parley_chat_app USING (
    state = 'open' AND token_hash =
        (SELECT decode(NULLIF(current_setting('parley.share', true), ''), 'hex')));
CREATE POLICY shares_opening ON shares FOR UPDATE TO parley_chat_app USING (
    state = 'open' AND token_hash =
        (SELECT decode(NULLIF(current_setting('parley.share', true), ''), 'hex')));
CREATE POLICY share_messages_reader ON share_messages FOR SELECT TO parley_chat_app USING (
    share_id = (
        SELECT shares.id FROM shares
        WHERE shares.state = 'open' AND shares.token_hash =
            decode(NULLIF(current_setting('parley.share', true), ''), 'hex')));
"""

# Also for what versions before this one do, and whatever deletes a conversation.
_FOLLOW = """
CREATE FUNCTION suspend_shares() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE shares SET state = CASE WHEN NEW.deleted_at IS NULL THEN 'open' ELSE 'suspended' END
    WHERE session_id = NEW.id AND state <> 'gone';
    RETURN NULL;
END
$$;
CREATE TRIGGER suspend_shares AFTER UPDATE OF deleted_at ON sessions
    FOR EACH ROW WHEN ((NEW.deleted_at IS NULL) <> (OLD.deleted_at IS NULL))
    EXECUTE FUNCTION suspend_shares();

CREATE FUNCTION end_shares() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE shares SET state = 'gone'
    WHERE session_id = ANY (ARRAY(SELECT gone.id FROM gone)) AND state <> 'gone';
    RETURN NULL;
END
$$;
CREATE TRIGGER end_shares AFTER DELETE ON sessions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION end_shares();
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(
        users_rows("chat", "shares", app="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE, DELETE")
    )
    op.execute(
        users_rows("chat", "share_messages", app="SELECT, INSERT, DELETE", worker="SELECT, DELETE")
    )
    op.execute(_READERS)
    op.execute(_FOLLOW)
    op.execute(counters("chat"))
