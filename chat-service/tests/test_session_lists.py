"""Lists of conversations: by state, folder and pin, in their order, page by page."""

import json
from collections.abc import Iterable
from itertools import product
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from chassis.caller import Caller
from chassis.errors import FieldError, RemoteError, ValidationFailed
from chassis.ids import new_id
from chassis.testing import DatabaseUrls
from chat_service.conversations.domain.listing import Folder, Wanted
from chat_service.conversations.domain.session import Session, SessionChange, SessionState
from chat_service.conversations.store import listings
from chat_service.conversations.usecases.lists import list_folders, list_sessions
from chat_service.conversations.usecases.sessions import update_session
from parley.chat.v1 import chat_pb2

from .chat import Chat
from .client import Client


async def make(chat: Chat, caller: Caller, title: str, **fields: Any) -> Session:
    changes = {name: fields.pop(name) for name in ("pinned", "archived") if name in fields}
    made = await chat.session(caller, title, **fields)
    return await update_session(
        chat.open_transaction, chat.resolve_key, caller, made.id, SessionChange(**changes)
    )


async def titles(chat: Chat, caller: Caller, **wanted: Any) -> str:
    """Of all pages of two, one letter each, which are counted as many as they are."""
    seen, cursor = "", ""
    while True:
        page = await list_sessions(
            chat.open_transaction,
            caller,
            limit=2,
            cursor=cursor,
            count=True,
            wanted=Wanted(**wanted),
        )
        seen += "".join(session.title for session in page.items)
        if not (cursor := page.next_cursor):
            assert page.total == len(seen)
            return seen


async def test_what_is_pinned_comes_first_and_then_what_was_active_last(
    chat: Chat, caller: Caller
) -> None:
    made = {letter: await make(chat, caller, letter) for letter in "abcdefg"}
    for letter in "bdf":
        await update_session(
            chat.open_transaction,
            chat.resolve_key,
            caller,
            made[letter].id,
            SessionChange(pinned=True),
        )
    assert await titles(chat, caller) == "fdbgeca"
    await chat.turn(caller, made["b"].id)
    await chat.turn(caller, made["a"].id)
    assert await titles(chat, caller) == "bfdagec"
    assert await titles(chat, caller, pinned=True) == "bfd"
    assert await titles(chat, caller, pinned=False) == "agec"


async def test_each_is_in_the_list_of_its_state_alone(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await make(chat, caller, "a")
    await make(chat, caller, "b", archived=True)
    await make(chat, caller, "c", archived=True, pinned=True)
    await make(chat, caller, "d", temporary=True)
    await make(chat, stranger, "x", archived=True)
    assert await titles(chat, caller) == "a"
    assert await titles(chat, caller, state=SessionState.ARCHIVED) == "cb"
    assert await titles(chat, caller, state=SessionState.DELETED) == ""
    assert await titles(chat, caller, temporary=True) == "d"
    assert await titles(chat, caller, temporary=True, state=SessionState.ARCHIVED) == ""


async def test_folders_are_made_by_use_and_gone_with_the_last(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await make(chat, stranger, "x", folder="theirs")
    await make(chat, caller, "y")
    a = await make(chat, caller, "a", folder="work")
    await make(chat, caller, "b", folder="work", pinned=True)
    await make(chat, caller, "c", folder="home")
    await make(chat, caller, "d", folder="work", archived=True)
    await make(chat, caller, "e", folder="passing", temporary=True)
    assert await titles(chat, caller, folder="work") == "ba"
    assert await titles(chat, caller, folder="work", state=SessionState.ARCHIVED) == "d"
    assert await titles(chat, caller, folder="theirs") == ""
    folders = await list_folders(chat.open_transaction, caller)
    assert folders == [Folder("home", 1), Folder("work", 2)]
    for folder in ("home", None):
        await update_session(
            chat.open_transaction,
            chat.resolve_key,
            caller,
            a.id,
            SessionChange(folder=folder),
        )
    assert await list_folders(chat.open_transaction, caller) == [
        Folder("home", 1),
        Folder("work", 1),
    ]


@pytest.mark.parametrize(
    ("folder", "reason"), [("", "REQUIRED"), ("x" * 101, "TOO_LONG"), ("a\0", "INVALID_CHARACTER")]
)
async def test_a_folder_that_cannot_be_is_refused(
    chat: Chat, caller: Caller, folder: str, reason: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await titles(chat, caller, folder=folder)
    assert [(error.field, error.reason) for error in refused.value.fields] == [("folder", reason)]


async def test_lists_go_over_the_wire(client: Client) -> None:
    made = [
        await client.call(
            "CreateSession", chat_pb2.CreateSessionRequest(title=title, folder=folder)
        )
        for title, folder in (("0", "a"), ("1", "b"), ("2", "a"))
    ]
    change = chat_pb2.UpdateSessionRequest(id=made[2].session.id, archived=True)
    await client.call("UpdateSession", change)

    async def listed(**wanted: Any) -> list[str]:
        answer = await client.call("ListSessions", chat_pb2.ListSessionsRequest(**wanted))
        return [session.title for session in answer.items]

    assert await listed() == await listed(state=chat_pb2.SESSION_STATE_ACTIVE) == ["1", "0"]
    assert await listed(state=chat_pb2.SESSION_STATE_ARCHIVED) == ["2"]
    assert await listed(folder="a") == ["0"]
    assert await listed(temporary=True) == []
    folders = await client.call("ListFolders", chat_pb2.ListFoldersRequest())
    assert [(folder.name, folder.sessions) for folder in folders.items] == [("a", 1), ("b", 1)]
    with pytest.raises(RemoteError) as refused:
        await listed(state=99)
    assert refused.value.fields == (FieldError("state", "UNKNOWN"),)


# As many as a busy server has: of 200 users, a tenth pinned, in ten folders each.
CROWD = """
INSERT INTO sessions (id, tenant_id, user_id, title, pinned, folder, archived_at, deleted_at,
    temporary, last_order, message_count, last_message_at, created_at, updated_at)
SELECT gen_random_uuid(), %(tenant_id)s, users.id, 'x', number %% 10 = 0, 'folder ' || number %% 10,
    CASE WHEN number %% 7 = 0 THEN now() END, CASE WHEN number %% 11 = 0 THEN now() END,
    number %% 13 = 0, 2, 2, now() - number * interval '1 minute', now() - interval '1 year', now()
FROM unnest(%(users)s::uuid[]) AS users (id), generate_series(1, 100) AS number;
INSERT INTO messages (id, session_id, tenant_id, user_id, role, content, "order", created_at)
SELECT gen_random_uuid(), sessions.id, tenant_id, user_id,
    CASE number WHEN 1 THEN 'user' ELSE 'assistant' END, 'x', number, now()
FROM sessions, generate_series(1, 2) AS number;
"""


def fill(urls: DatabaseUrls, caller: Caller) -> None:
    users = [caller.user_id, *(new_id() for _ in range(199))]
    with psycopg.connect(urls.admin, cursor_factory=psycopg.ClientCursor) as admin:
        admin.execute(CROWD, {"tenant_id": caller.tenant_id, "users": users})
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        admin.execute("VACUUM (ANALYZE) sessions, messages")


def scans(plan: Any) -> Iterable[tuple[str, str]]:
    """Each table that a plan reads, and by which index; or how else."""
    below = plan.get("Plans", ())
    if "Relation Name" in plan:
        found = [child["Index Name"] for child in below if "Index Name" in child]
        yield plan["Relation Name"], plan.get("Index Name", (found or [plan["Node Type"]])[0])
    for child in below:
        yield from scans(child)


# Each begins with the user, and holds those of one state.
OWN_INDEXES = {
    SessionState.ACTIVE: {"sessions_active", "sessions_by_folder"},
    SessionState.ARCHIVED: {"sessions_archived"},
    SessionState.DELETED: {"sessions_deleted"},
}
OF_ONE_SESSION = {"messages_session_id_order_key", "messages_by_parent"}


@pytest.mark.slow
async def test_no_list_reads_what_is_not_its_users(chat: Chat, caller: Caller) -> None:
    fill(chat.urls, caller)
    place = {
        "after_pinned": False,
        "after_active_at": (await chat.session(caller)).active_at,
        "after_id": new_id(),
    }
    looked = [(listings._FOLDERS, SessionState.ACTIVE)]
    for state, in_folder, pinned in product(SessionState, (False, True), (None, False, True)):
        listing = listings._listing(state, in_folder, pinned)
        statements = (listing.first_page, listing.next_page, listing.count)
        looked += [(statement, state) for statement in statements]
    for statement, state in looked:
        values = {
            "user_id": caller.user_id,
            "size": 21,
            "is_temporary": False,
            "in_folder": "folder 3",
            **place,
        }
        async with chat.app.transaction(caller) as connection:
            plan = await _explain(connection, statement, values)
        for table, index in scans(plan):
            owned = OWN_INDEXES[state] if table == "sessions" else OF_ONE_SESSION
            assert index in owned, plan
        # Of its own hundred sessions at most, whatever the other users have.
        assert _rows_read(plan) <= 400, plan


def _rows_read(plan: Any) -> int:
    removed = plan.get("Rows Removed by Filter", 0) * plan["Actual Loops"]
    own = plan["Actual Rows"] * plan["Actual Loops"] if "Relation Name" in plan else 0
    return int(removed + own + sum(map(_rows_read, plan.get("Plans", ()))))


async def _explain(connection: Any, statement: Any, values: dict[str, Any]) -> Any:
    """How the server carries it out, as it does when it knows no value beforehand."""
    command = statement.command(values)
    sql = command.sql.decode()
    raw = (await connection.get_raw_connection()).driver_connection
    await connection.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
    async with raw.cursor() as cursor:
        for number in range(len(command.values), 0, -1):
            sql = sql.replace(f"${number}", f"%({number})s")
        await cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}",
            {str(at): value for at, value in enumerate(command.values, 1)},
        )
        (explained,) = await cursor.fetchone()
    return (json.loads(explained) if isinstance(explained, str) else explained)[0]["Plan"]


async def test_a_list_of_somebody_elses_is_empty(
    chat: Chat, caller: Caller, stranger: Caller
) -> None:
    await make(chat, caller, "a", folder="work")
    assert await titles(chat, stranger) == ""
    assert await titles(chat, stranger, folder="work") == ""
    assert await list_folders(chat.open_transaction, stranger) == []
