"""Trails are blanked in pieces, and what is told of a token is told once an hour."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        -- How far in a deleted user's trail auth-service has come; of no other service's row.
        ALTER TABLE service_erasures
            ADD COLUMN reached_at timestamptz NOT NULL DEFAULT '-infinity',
            ADD COLUMN reached_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000';
        GRANT UPDATE (ip, user_agent) ON audit TO parley_auth_worker;
        -- When the trail was last told of a token's use, and of its refusal.
        ALTER TABLE tokens
            ADD COLUMN use_told_at timestamptz,
            ADD COLUMN refusal_told_at timestamptz;
        """
    )
