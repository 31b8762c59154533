"""What new revisions are given is what the services have."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from chassis.testing import DatabaseUrls, ServiceDatabase
from notes_service.migrations import MIGRATIONS

SHELF = Path(__file__).parent / "shelf"
STANDARD = ["dead_letters", "idempotency_keys", "outbox", "owners"]

# Each in one text, so that a difference names itself.
FACTS = {
    "columns": """
        SELECT table_name || '.' || column_name || ' ' || data_type || ' null:' || is_nullable
            || ' default:' || coalesce(column_default, '')
        FROM information_schema.columns WHERE table_name = ANY(%s)""",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE tablename = ANY(%s)",
    "constraints": """
        SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE conrelid::regclass::text = ANY(%s)""",
    "security": """
        SELECT relname || ' ' || relrowsecurity || ' ' || relforcerowsecurity
        FROM pg_class WHERE relname = ANY(%s)""",
    "policies": """
        SELECT tablename || ' ' || policyname || ' ' || cmd || ' ' || roles::text || ' '
            || coalesce(qual, '') || ' ' || coalesce(with_check, '')
        FROM pg_policies WHERE tablename = ANY(%s)""",
    "rights": """
        SELECT table_name || ' ' || grantee || ' ' || privilege_type
        FROM information_schema.role_table_grants WHERE table_name = ANY(%s)""",
    "rights to columns": """
        SELECT table_name || '.' || column_name || ' ' || grantee || ' ' || privilege_type
        FROM information_schema.column_privileges WHERE table_name = ANY(%s)""",
}


def facts(urls: DatabaseUrls, what: str, service: str, tables: list[str]) -> list[str]:
    with psycopg.connect(urls.admin) as admin:
        rows: list[tuple[Any]] = admin.execute(FACTS[what], [tables]).fetchall()
    return sorted(row.replace(f"parley_{service}_", "parley_SERVICE_") for (row,) in rows)


@pytest.mark.parametrize("what", FACTS)
def test_the_tables_that_every_service_has_are_made_as_they_are(
    service_database: ServiceDatabase, what: str
) -> None:
    new = facts(service_database("shelf", SHELF), what, "shelf", STANDARD)
    assert new == facts(service_database("notes", MIGRATIONS), what, "notes", STANDARD)
    assert new


@pytest.mark.parametrize("what", ["policies", "security"])
def test_users_rows_are_seen_as_in_the_services(
    service_database: ServiceDatabase, what: str
) -> None:
    new = facts(service_database("shelf", SHELF), what, "shelf", ["books"])
    notes = facts(service_database("notes", MIGRATIONS), what, "notes", ["notes"])
    # Beside them, what the function that searches notes may read, which is the owner's.
    policies = [row for row in notes if "notes_owner SELECT" not in row]
    assert len(policies) == len(notes) - (what == "policies")
    assert new == [row.replace("notes", "books") for row in policies]
