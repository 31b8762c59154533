"""Generation parameters are one value; a run may belong to no conversation."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# `temperature` and `max_tokens` are still written: a replica of the version before reads them.
_PARAMETERS = "ALTER TABLE runs ADD COLUMN parameters jsonb"

_LONE_RUNS = """
ALTER TABLE runs
    ALTER COLUMN session_id DROP NOT NULL,
    ALTER COLUMN question_id DROP NOT NULL,
    ALTER COLUMN answer_id DROP NOT NULL,
    ALTER COLUMN question_order DROP NOT NULL,
    ALTER COLUMN answer_order DROP NOT NULL,
    ADD CONSTRAINT runs_turn CHECK (
        num_nulls(session_id, question_id, answer_id, question_order, answer_order) IN (0, 5));
"""


def upgrade() -> None:
    op.execute(_PARAMETERS)
    op.execute(_LONE_RUNS)
