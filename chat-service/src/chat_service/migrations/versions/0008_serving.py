"""Which connection answered, of whose failure; tokens of each day by connection."""

from alembic import op

from servicekit.tables import users_rows

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# `key_id` is the connection that answers; `metered`: its tokens are counted. Versions before write
# neither, and count nothing.
_ANSWERED = """
ALTER TABLE runs
    ADD COLUMN key_id uuid,
    ADD COLUMN metered boolean NOT NULL DEFAULT false,
    ADD COLUMN fallback_from uuid,
    ADD COLUMN fallback_reason text;
ALTER TABLE messages
    ADD COLUMN fallback_from uuid,
    ADD COLUMN fallback_reason text;
"""

_TOKENS = """
CREATE TABLE token_usage (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    key_id uuid NOT NULL,
    day date NOT NULL,
    tokens bigint NOT NULL CHECK (tokens >= 0),
    PRIMARY KEY (user_id, key_id, day)
);
CREATE INDEX token_usage_by_day ON token_usage (day);
"""


def upgrade() -> None:
    op.execute(_ANSWERED)
    op.execute(_TOKENS)
    op.execute(
        users_rows(
            "chat", "token_usage", app="SELECT, INSERT, UPDATE (tokens)", worker="SELECT, DELETE"
        )
    )
