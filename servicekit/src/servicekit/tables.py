"""SQL for new revisions: the tables that every service has, and the policies of users' rows.

A revision that has landed is frozen, and so is what is here: a table of another shape is another
function. ``service`` is the short name that the roles of the database bear: ``notes`` for
``parley_notes_app``.
"""

_MINE = """
    tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
    AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
"""


def users_rows(service: str, table: str, *, app: str, worker: str) -> str:
    """Policies and rights of ``table``, which has the columns tenant_id and user_id.

    The app's role sees the rows of the transaction's user alone, the worker's sees all. ``app``
    and ``worker`` are what these may do: ``SELECT, INSERT, DELETE``.
    """
    return f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
-- The settings are read once for each statement, not once for each row.
CREATE POLICY {table}_app ON {table} TO parley_{service}_app USING ({_MINE});
CREATE POLICY {table}_worker ON {table} TO parley_{service}_worker USING (true);
GRANT {app} ON {table} TO parley_{service}_app;
GRANT {worker} ON {table} TO parley_{service}_worker;
"""


def owners(service: str) -> str:
    """The table of `chassis.db.owners`."""
    return f"""
CREATE TABLE owners (
    user_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    erased_at timestamptz
);
ALTER TABLE owners ENABLE ROW LEVEL SECURITY;
ALTER TABLE owners FORCE ROW LEVEL SECURITY;
CREATE POLICY owners_app_read ON owners FOR SELECT TO parley_{service}_app USING ({_MINE});
CREATE POLICY owners_app_add ON owners FOR INSERT TO parley_{service}_app
    WITH CHECK ({_MINE} AND erased_at IS NULL);
-- FOR SHARE asks for the right to update some column: it may be locked, never changed.
CREATE POLICY owners_app_lock ON owners FOR UPDATE TO parley_{service}_app
    USING ({_MINE}) WITH CHECK (false);
CREATE POLICY owners_worker ON owners TO parley_{service}_worker USING (true);
GRANT SELECT, INSERT, UPDATE (tenant_id) ON owners TO parley_{service}_app;
GRANT SELECT, INSERT, UPDATE ON owners TO parley_{service}_worker;
"""


def outbox(service: str) -> str:
    """The table of `chassis.outbox`, which the worker's role alone writes."""
    return f"""
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    subject text NOT NULL,
    payload bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX outbox_pending ON outbox (attempts, id) WHERE published_at IS NULL;
CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_worker ON outbox TO parley_{service}_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO parley_{service}_worker;
"""


def idempotency_keys(service: str) -> str:
    """The table of `chassis.db.idempotency`."""
    table = """
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
"""
    # Of two requests with one key, one locks the row of the other: that asks for an UPDATE.
    return table + users_rows(
        service, "idempotency_keys", app="SELECT, INSERT, UPDATE (key)", worker="SELECT, DELETE"
    )


def dead_letters(service: str) -> str:
    """The table of `chassis.dead_letters`; they name users, so that the app's role sees none."""
    return f"""
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
CREATE POLICY dead_letters_worker ON dead_letters TO parley_{service}_worker
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON dead_letters TO parley_{service}_worker;
"""


def counters(service: str) -> str:
    """The table of `servicekit.counters`: nobody's rows, which the worker's role alone counts in."""
    return f"""
CREATE TABLE counters (
    scope text NOT NULL,
    subject bytea NOT NULL CHECK (octet_length(subject) = 32),
    hits timestamptz[] NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (scope, subject)
);
CREATE INDEX counters_expires_at ON counters (expires_at);
ALTER TABLE counters ENABLE ROW LEVEL SECURITY;
ALTER TABLE counters FORCE ROW LEVEL SECURITY;
CREATE POLICY counters_worker ON counters TO parley_{service}_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON counters TO parley_{service}_worker;
"""
