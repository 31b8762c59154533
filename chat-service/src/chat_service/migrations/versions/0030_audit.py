"""Users' own transactions tell the audit log what they do, and nobody anything else."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE POLICY outbox_app ON outbox FOR INSERT TO parley_chat_app
            WITH CHECK (subject LIKE '%.audit.chat-service' AND published_at IS NULL);
        GRANT INSERT (id, subject, payload) ON outbox TO parley_chat_app;
        """
    )
