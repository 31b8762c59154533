"""The tables that the chassis asks for, as its own docstrings give them, and one of data."""

import textwrap

from alembic import op

from chassis.db import owners
from chassis.dead_letters import table as dead_letters
from chassis.outbox import table as outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    for module in (owners, outbox, dead_letters):
        assert module.__doc__ is not None
        ddl = textwrap.dedent(module.__doc__.split("::\n", 1)[1])
        op.execute(ddl.replace("parley_notes_", "parley_ledger_"))
    op.execute(
        """
        CREATE TABLE entries (
            id uuid PRIMARY KEY,
            tenant_id uuid NOT NULL,
            user_id uuid NOT NULL,
            text text NOT NULL
        );
        ALTER TABLE entries ENABLE ROW LEVEL SECURITY;
        ALTER TABLE entries FORCE ROW LEVEL SECURITY;
        CREATE POLICY entries_app ON entries TO parley_ledger_app USING (
            tenant_id = (SELECT NULLIF(current_setting('parley.tenant_id', true), '')::uuid)
            AND user_id = (SELECT NULLIF(current_setting('parley.user_id', true), '')::uuid)
        );
        CREATE POLICY entries_worker ON entries TO parley_ledger_worker USING (true);
        GRANT SELECT, INSERT, UPDATE, DELETE ON entries TO parley_ledger_app;
        GRANT SELECT, DELETE ON entries TO parley_ledger_worker;
        """
    )
