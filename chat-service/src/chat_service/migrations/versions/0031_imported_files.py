"""Files that came with imported conversations, and what an import waits for."""

from alembic import op

from servicekit.tables import users_rows

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE imports ADD COLUMN files integer NOT NULL DEFAULT 0, ADD COLUMN waits_for text"
    )
    op.execute(
        """
        CREATE TABLE imported_files (
            user_id uuid NOT NULL,
            -- Made of the user and of what the export calls the file.
            key uuid NOT NULL,
            tenant_id uuid NOT NULL,
            file_id uuid NOT NULL REFERENCES files (id) ON DELETE CASCADE,
            import_id uuid NOT NULL,
            PRIMARY KEY (user_id, key)
        );
        CREATE INDEX imported_files_by_file ON imported_files (file_id);
        """
    )
    op.execute(
        users_rows(
            "chat", "imported_files", app="SELECT, INSERT, UPDATE, DELETE", worker="SELECT, DELETE"
        )
    )
