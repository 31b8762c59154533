"""Which names of tenants look alike is known by a key that does not depend on the database's locale.

`lower` knows what letters there are by the locale: in `C`, in which `make run` has its databases, those of ASCII alone.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Null: made by a release before this one. The next one that is made or looked for by its name gives it its key.
_KEY = """
ALTER TABLE tenants ADD COLUMN name_key text;
CREATE UNIQUE INDEX tenants_by_key ON tenants (name_key);
GRANT UPDATE (name_key) ON tenants TO parley_auth_app, parley_auth_worker;
"""


def upgrade() -> None:
    op.execute(_KEY)
