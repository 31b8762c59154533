"""The ledger of usage by user, day, connection, model and purpose; daily sums of those who are gone."""

from alembic import op

from servicekit.tables import users_rows

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# A row of the ledger grows by each answer: its indexed columns do not change, and there is room for it on its page.
_COUNTED = """
    completed bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    interrupted bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    prompt_tokens bigint NOT NULL DEFAULT 0,
    completion_tokens bigint NOT NULL DEFAULT 0,
    cached_tokens bigint NOT NULL DEFAULT 0,
    reasoning_tokens bigint NOT NULL DEFAULT 0,
    estimated_tokens bigint NOT NULL DEFAULT 0,
    duration_ms bigint NOT NULL DEFAULT 0,
    cost numeric NOT NULL DEFAULT 0,
"""

_LEDGER = f"""
CREATE TABLE usage_days (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    day date NOT NULL,
    key_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    purpose text NOT NULL,
    -- Empty: nobody had said what the model costs.
    currency text NOT NULL,
    metered boolean NOT NULL,
    {_COUNTED}
    PRIMARY KEY (user_id, day, key_id, provider, model, purpose, currency)
) WITH (fillfactor = 70);
CREATE INDEX usage_days_by_day ON usage_days (day, tenant_id);
"""

# Of nobody in particular, and so for background jobs alone.
_ERASED = f"""
CREATE TABLE usage_of_erased (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    {_COUNTED}
    PRIMARY KEY (tenant_id, day, currency)
);
ALTER TABLE usage_of_erased ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage_of_erased FORCE ROW LEVEL SECURITY;
CREATE POLICY usage_of_erased_worker ON usage_of_erased TO parley_chat_worker
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_of_erased TO parley_chat_worker;
"""

# What a release before the ledger counts beside this one, which reads the ledger alone: which of its tokens were
# of the prompt is not known. What its table has of today goes along; of yesterday's nobody asks any more what is left.
_BEFORE = """
ALTER TABLE token_usage NO FORCE ROW LEVEL SECURITY;
INSERT INTO usage_days (
    tenant_id, user_id, day, key_id, provider, model, purpose, currency, metered, completion_tokens)
SELECT tenant_id, user_id, day, key_id, '', '', 'answer', '', true, tokens
FROM token_usage WHERE day >= (now() AT TIME ZONE 'UTC')::date;
ALTER TABLE token_usage FORCE ROW LEVEL SECURITY;
CREATE FUNCTION token_usage_to_ledger() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO public.usage_days (
        tenant_id, user_id, day, key_id, provider, model, purpose, currency, metered,
        completion_tokens)
    VALUES (NEW.tenant_id, NEW.user_id, NEW.day, NEW.key_id, '', '', 'answer', '', true,
        greatest(NEW.tokens - CASE WHEN TG_OP = 'UPDATE' THEN OLD.tokens ELSE 0 END, 0))
    ON CONFLICT (user_id, day, key_id, provider, model, purpose, currency) DO UPDATE
    SET completion_tokens = usage_days.completion_tokens + excluded.completion_tokens;
    RETURN NULL;
END
$$;
CREATE TRIGGER token_usage_to_ledger AFTER INSERT OR UPDATE ON token_usage
    FOR EACH ROW EXECUTE FUNCTION token_usage_to_ledger();
"""


def upgrade() -> None:
    op.execute(_LEDGER)
    op.execute(_BEFORE)
    op.execute(
        users_rows(
            "chat", "usage_days", app="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, DELETE"
        )
    )
    op.execute(_ERASED)
