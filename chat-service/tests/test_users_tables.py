"""Every table of users' rows is erased, by this release and behind an earlier one that does not know it."""

from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from chassis.caller import Caller
from chassis.ids import new_id
from chassis.jetstream import JetStream
from chassis.service import Service
from chassis.testing import DatabaseUrls, ServiceDatabase, eventually
from chat_service.migrations import MIGRATIONS
from chat_service.runs.store.left_of_erased import LeftOfErased
from chat_service.settings import Settings
from parley.events.v1 import events_pb2

from .test_erase_user import FILL

# A new table needs a row here or in FILL.
FILL_MORE = """
INSERT INTO user_settings (user_id, tenant_id, instructions, titles_by_model, change)
VALUES (%(user_id)s, %(tenant_id)s, '', false, 1);

INSERT INTO run_frames (run_id, seq, epoch, tenant_id, user_id, event, data)
SELECT id, 1, 1, tenant_id, user_id, 'delta', '' FROM runs WHERE user_id = %(user_id)s;

INSERT INTO files (id, tenant_id, user_id, name, size, state, created_at, held_until)
VALUES (gen_random_uuid(), %(tenant_id)s, %(user_id)s, '', 1, 'deleting', now(), now());

INSERT INTO message_files (message_id, position, tenant_id, user_id, file_id, name, kind, size)
SELECT id, 0, tenant_id, user_id, gen_random_uuid(), '', '', 1
FROM messages WHERE user_id = %(user_id)s;

INSERT INTO imports (id, tenant_id, user_id, name, state, heard_at, created_at, ended_at)
VALUES (gen_random_uuid(), %(tenant_id)s, %(user_id)s, '', 'failed', now(), now(), now());

INSERT INTO import_pieces (import_id, number, tenant_id, user_id, packed, data)
SELECT id, 1, tenant_id, user_id, false, '' FROM imports WHERE user_id = %(user_id)s;

INSERT INTO imported (user_id, source, key, tenant_id, session_id)
SELECT user_id, '', '', tenant_id, id FROM sessions WHERE user_id = %(user_id)s;

INSERT INTO imported_files (user_id, key, tenant_id, file_id, import_id)
SELECT user_id, gen_random_uuid(), tenant_id, id, gen_random_uuid()
FROM files WHERE user_id = %(user_id)s;
"""

# What every release that may run beside this one erases.
KNOWN_EARLIER = {
    "sessions",
    "messages",
    "runs",
    "idempotency_keys",
    "token_usage",
    "personas",
    "user_settings",
    "search_texts",
}
# These go with the rows of another table.
GO_WITH_OTHERS = {
    "share_messages",
    "share_files",
    "import_pieces",
    "imported",
    "imported_files",
    "message_files",
    "run_frames",
}


@pytest.fixture
def urls(service_database: ServiceDatabase) -> DatabaseUrls:
    return service_database("chat", MIGRATIONS)


@pytest.fixture
def settings(settings: Settings, urls: DatabaseUrls, tmp_path: Path) -> Settings:
    return settings.model_copy(
        update={
            "database_url": SecretStr(urls.app),
            "worker_database_url": SecretStr(urls.worker),
            "owner_database_url": SecretStr(urls.owner),
            "files_dir": tmp_path / "files",
        }
    )


def _users_tables(urls: DatabaseUrls) -> set[str]:
    """All that have users' rows; an owner's row stays, and says that its user is gone."""
    with psycopg.connect(urls.admin) as admin:
        found = admin.execute(
            "SELECT table_name FROM information_schema.columns JOIN information_schema.tables"
            " USING (table_schema, table_name)"
            " WHERE column_name = 'user_id' AND table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        return {name for (name,) in found} - {"owners"}


def _fill(urls: DatabaseUrls, user: Caller) -> None:
    values = {"tenant_id": user.tenant_id, "user_id": user.user_id, "much": 1}
    with psycopg.connect(urls.admin, cursor_factory=psycopg.ClientCursor) as admin:
        admin.execute(FILL + FILL_MORE, values)


def _with_rows(urls: DatabaseUrls, user: Caller) -> set[str]:
    with psycopg.connect(urls.admin, cursor_factory=psycopg.ClientCursor) as admin:
        return {
            table
            for table in _users_tables(urls)
            if admin.execute(f"SELECT FROM {table} WHERE user_id = %s", [user.user_id]).fetchone()
            is not None
        }


async def test_an_erasure_empties_every_table_with_rows_of_the_user(
    service: Service, events: JetStream, urls: DatabaseUrls, caller: Caller
) -> None:
    _fill(urls, caller)
    assert _with_rows(urls, caller) == _users_tables(urls)
    deleted = events_pb2.UserDeleted(
        erasure_id=str(new_id()), user_id=str(caller.user_id), tenant_id=str(caller.tenant_id)
    )
    await events.publish(events.subject("user.deleted"), deleted.SerializeToString(), msg_id="one")
    await eventually(lambda: not _with_rows(urls, caller))


async def test_what_an_earlier_release_leaves_in_any_later_table_goes(
    service: Service, urls: DatabaseUrls, caller: Caller
) -> None:
    (left_of_erased,) = (one for one in service.components if isinstance(one, LeftOfErased))
    tables = _users_tables(urls)
    assert tables > KNOWN_EARLIER | GO_WITH_OTHERS
    with psycopg.connect(urls.admin) as admin:
        admin.execute(
            "INSERT INTO owners (user_id, tenant_id, erased_at) VALUES (%s, %s, now())",
            [caller.user_id, caller.tenant_id],
        )
    for later in sorted(tables - KNOWN_EARLIER - GO_WITH_OTHERS):
        _fill(urls, caller)
        with psycopg.connect(urls.admin) as admin:
            for other in tables - {later}:
                admin.execute(f"DELETE FROM {other}")
        assert _with_rows(urls, caller) == {later}
        await left_of_erased.take()
        assert _with_rows(urls, caller) == set(), later
