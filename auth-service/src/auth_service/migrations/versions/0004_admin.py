"""Disabled users, what admins see, the audit trail, repeated requests, dead letters."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROLE = "(SELECT current_setting('parley.role', true))"
_TENANT = "(SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)"
_USER = "(SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)"
# `parley.role` is set by admins' transactions alone, from the verified token.
_IN_CHARGE = f"({_ROLE} = 'operator' OR ({_ROLE} = 'tenant_admin' AND tenant_id = {_TENANT}))"

_USERS = f"""
ALTER TABLE users DROP CONSTRAINT users_status_check;
ALTER TABLE users ADD CONSTRAINT users_status_check
    CHECK (status IN ('active', 'disabled', 'deleted'));
CREATE INDEX users_by_name ON users (username_key, id) WHERE status <> 'deleted';

CREATE POLICY users_admin ON users TO parley_auth_app
    USING ({_IN_CHARGE}) WITH CHECK ({_IN_CHARGE});
GRANT UPDATE (role) ON users TO parley_auth_app;

-- A policy sees a row before or after, not both: what changes takes a trigger.
CREATE FUNCTION users_guard_rank() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    acting text := COALESCE(current_setting('parley.role', true), '');
BEGIN
    IF current_user <> 'parley_auth_app' OR acting = 'operator' THEN
        RETURN NEW;
    END IF;
    IF NEW.role <> OLD.role AND (acting <> 'tenant_admin' OR NEW.role = 'operator')
        OR acting = 'tenant_admin' AND OLD.role = 'operator'
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'permission denied for this role';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_guard_rank BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION users_guard_rank();
"""

# Up to here only the spelling had to differ, and AUTH_TENANT may have had two that look the same:
# the one that was first keeps its name, and from now on newcomers join it under either spelling.
# The end of a UUIDv7 is what is random in it; with it the name has its 64 characters at most.
_ALIKE = """
UPDATE tenants SET name = left(name, 51) || '-' || right(id::text, 12)
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (
            PARTITION BY lower(normalize(name, NFKC)) ORDER BY created_at, id
        ) AS place FROM tenants
    ) AS alike WHERE place > 1
);
"""

_TENANTS = f"""
ALTER TABLE tenants ADD COLUMN look text NOT NULL UNIQUE
    GENERATED ALWAYS AS (lower(normalize(name, NFKC))) STORED;
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants_operator ON tenants TO parley_auth_app
    USING ({_ROLE} = 'operator') WITH CHECK ({_ROLE} = 'operator');
CREATE POLICY tenants_worker ON tenants TO parley_auth_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON tenants TO parley_auth_app;
"""

# Nobody changes what happened: all that can be taken away is where from.
_AUDIT = f"""
CREATE TABLE audit (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    tenant_id uuid,
    actor_id uuid,
    subject_id uuid,
    event text NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    fields jsonb NOT NULL
);
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_tenant ON audit (tenant_id, at, id);
CREATE INDEX audit_subject ON audit (subject_id, at, id) WHERE subject_id IS NOT NULL;
CREATE INDEX audit_actor ON audit (actor_id, at, id) WHERE actor_id IS NOT NULL;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_app ON audit TO parley_auth_app
    USING (subject_id = {_USER} OR actor_id = {_USER})
    WITH CHECK (subject_id = {_USER} OR actor_id = {_USER});
CREATE POLICY audit_admin ON audit FOR SELECT TO parley_auth_app USING ({_IN_CHARGE});
CREATE POLICY audit_worker ON audit TO parley_auth_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (ip, user_agent) ON audit TO parley_auth_app;
GRANT SELECT, INSERT, DELETE ON audit TO parley_auth_worker;
"""

_IDEMPOTENCY = f"""
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY idempotency_keys_app ON idempotency_keys TO parley_auth_app
    USING (tenant_id = {_TENANT} AND user_id = {_USER});
CREATE POLICY idempotency_keys_worker ON idempotency_keys TO parley_auth_worker USING (true);
-- Of two requests with one key, one locks the row of the other: that asks for an UPDATE.
GRANT SELECT, INSERT, UPDATE (key), DELETE ON idempotency_keys TO parley_auth_app;
GRANT SELECT, DELETE ON idempotency_keys TO parley_auth_worker;
"""

_DEAD_LETTERS = """
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    consumer text NOT NULL,
    subject text NOT NULL,
    payload bytea NOT NULL,
    error text NOT NULL,
    deliveries integer NOT NULL,
    first_seen timestamptz NOT NULL,
    set_aside_at timestamptz,
    replay text CHECK (replay IN ('asked', 'running', 'failed'))
);
ALTER TABLE dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letters FORCE ROW LEVEL SECURITY;
-- They name users, if only by id: the app role sees none.
CREATE POLICY dead_letters_worker ON dead_letters TO parley_auth_worker
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO parley_auth_worker;
"""


def upgrade() -> None:
    for statements in (_USERS, _ALIKE, _TENANTS, _AUDIT, _IDEMPOTENCY, _DEAD_LETTERS):
        op.execute(statements)
