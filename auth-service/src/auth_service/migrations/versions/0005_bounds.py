"""When a password was chosen; the refresh tokens that hold a successor, found by their login."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE users ADD COLUMN password_set_at timestamptz NOT NULL DEFAULT now();
        GRANT UPDATE (password_set_at) ON users TO parley_auth_app;
        CREATE INDEX refresh_tokens_sealed ON refresh_tokens (login_id)
            WHERE successor IS NOT NULL;
        """
    )
