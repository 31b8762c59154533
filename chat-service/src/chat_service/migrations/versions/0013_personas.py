"""Personas of users' own."""

from alembic import op

from servicekit.tables import users_rows

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_TABLE = """
CREATE TABLE personas (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    -- Equal for names that look alike: see fold_name.
    name_folded text NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    prompt text NOT NULL,
    model text,
    parameters jsonb NOT NULL,
    starters text[] NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (user_id, name_folded)
);
CREATE INDEX personas_by_age ON personas (user_id, created_at, id);
"""


def upgrade() -> None:
    op.execute(_TABLE)
    op.execute(
        users_rows(
            "chat", "personas", app="SELECT, INSERT, UPDATE, DELETE", worker="SELECT, DELETE"
        )
    )
