"""A conversation's first title comes with its first message, of which its index knows by their number."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Where there was no title none is indexed, and with the message the session is to be indexed anyway: the
# function would cost each first question a tenth of what PostgreSQL has to do for it.
_FIRST_TITLES = """
CREATE OR REPLACE TRIGGER session_is_to_be_indexed BEFORE UPDATE ON sessions
    FOR EACH ROW WHEN (
        NEW.title IS DISTINCT FROM OLD.title
            AND NOT (OLD.title = '' AND NEW.message_count > OLD.message_count)
        OR NEW.message_count < OLD.message_count)
    EXECUTE FUNCTION session_is_to_be_indexed();
"""


def upgrade() -> None:
    op.execute(_FIRST_TITLES)
