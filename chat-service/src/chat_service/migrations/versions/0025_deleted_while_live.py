"""Runs that are deleted while they are live, whose use is still to be counted; answers that are to be forgotten."""

from alembic import op

from servicekit.tables import users_rows

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE deleted_runs (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- Whoever ends it at this epoch counts it, and takes the row away.
    epoch integer NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deleted_runs_by_user ON deleted_runs (user_id);
CREATE INDEX deleted_runs_by_age ON deleted_runs (deleted_at);

CREATE TABLE answers_to_forget (
    user_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    -- Another one with each wish: what was wished while one was met is met by itself.
    wish uuid NOT NULL
);
"""


def upgrade() -> None:
    op.execute(_TABLES)
    op.execute(
        users_rows(
            "chat", "deleted_runs", app="SELECT, INSERT, DELETE", worker="SELECT, INSERT, DELETE"
        )
    )
    op.execute(
        users_rows(
            "chat",
            "answers_to_forget",
            app="SELECT, INSERT, UPDATE",
            worker="SELECT, INSERT, UPDATE, DELETE",
        )
    )
