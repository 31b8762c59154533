"""What a start does with the databases, in a process of its own."""

import json
import subprocess
import sys

import psycopg
import pytest

from chassis.testing import ServiceDatabase
from parley_local.databases import migrations_of
from parley_local.topology import NOTES, SERVICES

pytestmark = pytest.mark.slow

_MIGRATE = """
import json, sys
from parley_local.databases import migrate_all, warm_up
from parley_local.environment import DatabaseUrls
owners = json.loads(sys.argv[1])
warm_up(migrations=False)
migrate_all({name: DatabaseUrls(owner=url, app="", worker="") for name, url in owners.items()})
print("loaded" if "alembic" in sys.modules else "not loaded")
"""


def test_alembic_is_loaded_where_a_database_is_behind_and_nowhere_else(
    service_database: ServiceDatabase,
) -> None:
    databases = {
        str(member.database): service_database(str(member.database), migrations_of(member))
        for member in SERVICES
    }
    owners = json.dumps({name: urls.owner for name, urls in databases.items()})

    def migrate() -> str:
        done = subprocess.run(
            [sys.executable, "-c", _MIGRATE, owners], capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()[-1]

    assert migrate() == "not loaded"
    with psycopg.connect(databases[str(NOTES.database)].owner) as owner:
        # What the long way makes true at its end, and the short one looks at.
        owner.execute("REVOKE SELECT ON alembic_version FROM PUBLIC")
    assert migrate() == "loaded"
    assert migrate() == "not loaded"
