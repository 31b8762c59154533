"""A service of this test's own: every standard table, and books."""

from alembic import op

from servicekit import tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    for make in (tables.owners, tables.outbox, tables.idempotency_keys, tables.dead_letters):
        op.execute(make("shelf"))
    op.execute(
        "CREATE TABLE books (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, user_id uuid NOT NULL)"
    )
    op.execute(tables.users_rows("shelf", "books", app="SELECT, INSERT", worker="SELECT, DELETE"))
