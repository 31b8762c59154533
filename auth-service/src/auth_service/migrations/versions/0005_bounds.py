"""When a password was chosen, where logins were; refresh tokens with a successor by login."""

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
        ALTER TABLE logins ADD COLUMN network text NOT NULL DEFAULT '';
        CREATE INDEX logins_network ON logins (user_id, network);
        """
    )
