"""Notes that chat-service brings out of a file: of whom it names, once, within the bounds of any note."""

from typing import Any

import psycopg
import pytest

from chassis.caller import Caller
from chassis.clock import utc_now
from chassis.errors import Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.jetstream import JetStream
from chassis.testing import DatabaseUrls, OpenChannel, Signer, eventually
from parley.bounds import MAX_IMPORTED_NOTES
from parley.events.v1 import events_pb2
from parley.notes.v1 import notes_pb2, notes_pb2_grpc

User = Any


@pytest.fixture
def caller(signer: Signer) -> Caller:
    return signer.caller()


def note(key: str, **more: Any) -> notes_pb2.ImportedNote:
    told = {"title": f"Note {key}", "content": "Tea and Zwieback.", "tags": ["Home", "home"]}
    made = notes_pb2.ImportedNote(key=key, **{**told, **more})
    made.created_at.FromSeconds(1_700_000_000)
    made.updated_at.FromSeconds(1_700_000_100)
    return made


async def take(
    chat: Channel, whose: Caller, *notes: notes_pb2.ImportedNote, key: str | None = None
) -> tuple[int, int, dict[str, int]]:
    answer = await chat.unary(
        chat.stub(notes_pb2_grpc.NotesServiceStub).ImportNotes,
        notes_pb2.ImportNotesRequest(
            tenant_id=str(whose.tenant_id), user_id=str(whose.user_id), notes=notes
        ),
        timeout=30,
        idempotency_key=key,
    )
    return answer.added, answer.existing, dict(answer.refused)


@pytest.fixture
def user(notes: Channel, caller: Caller, user_of: type[User]) -> User:
    return user_of(notes, caller.token)


async def chat_of(port: int, grpc_channel: OpenChannel) -> Channel:
    return await grpc_channel(port, "notes-service", as_name="chat-service")


async def test_a_note_is_kept_as_the_file_has_it_and_once(
    notes: Channel, port: int, grpc_channel: OpenChannel, caller: Caller, user: User
) -> None:
    chat = await chat_of(port, grpc_channel)
    assert await take(chat, caller, note("one", pinned=True), note("two")) == (2, 0, {})
    assert await take(chat, caller, note("one"), note("two"), note("three")) == (1, 2, {})
    items = {one.title: one for one in (await user.list()).items}
    assert items.keys() == {"Note one", "Note two", "Note three"}
    one = items["Note one"]
    assert (one.content, list(one.tags), one.pinned, one.version) == (
        *("Tea and Zwieback.", ["Home"]),
        *(True, 1),
    )
    assert (one.created_at.seconds, one.updated_at.seconds) == (1_700_000_000, 1_700_000_100)
    assert not one.HasField("source")
    assert sorted(await user.search("zwieback")) == ["Note one", "Note three", "Note two"]
    # What was changed since stays; what was deleted comes anew.
    await user.update(one.id, title="Mine")
    await user.delete(items["Note two"].id)
    assert await take(chat, caller, note("one"), note("two")) == (1, 1, {})
    assert {found.title for found in (await user.list()).items} == {
        *("Mine", "Note two"),
        "Note three",
    }


async def test_what_is_here_by_its_own_id_is_no_second_one_but_to_others(
    notes: Channel,
    port: int,
    grpc_channel: OpenChannel,
    caller: Caller,
    user: User,
    signer: Signer,
) -> None:
    chat = await chat_of(port, grpc_channel)
    mine = await user.create(title="Mine")
    assert await take(chat, caller, note(mine.id)) == (0, 1, {})
    other = signer.caller(tenant_id=caller.tenant_id)
    assert await take(chat, other, note(mine.id)) == (1, 0, {})
    assert [one.title for one in (await user.list()).items] == ["Mine"]


async def test_a_repetition_with_its_key_is_told_what_the_first_was_told(
    notes: Channel, port: int, grpc_channel: OpenChannel, caller: Caller, user: User
) -> None:
    chat = await chat_of(port, grpc_channel)
    batch = (note("one"), note("two"), note("three", title=" "))
    first = await take(chat, caller, *batch, key="import-1-0")
    assert first == (2, 0, {"INVALID": 1})
    assert await take(chat, caller, *batch, key="import-1-0") == first
    assert await take(chat, caller, *batch, key="import-2-0") == (0, 2, {"INVALID": 1})
    with pytest.raises(RemoteError) as refused:
        await take(chat, caller, note("four"), key="import-1-0")
    assert (refused.value.kind, refused.value.reason) == (Kind.INVALID, "IDEMPOTENCY_KEY_REUSED")
    assert len((await user.list()).items) == 2


async def test_the_bounds_of_notes_hold(
    notes: Channel, port: int, grpc_channel: OpenChannel, caller: Caller, user: User
) -> None:
    chat = await chat_of(port, grpc_channel)
    taken = await take(
        *(chat, caller, note("fits", title="t" * 200, content="c" * 100_000)),
        *(note("long", title="t" * 201), note("longer", content="c" * 100_001)),
        *(note("tags", tags=[str(number) for number in range(21)]), note("", title="No key")),
    )
    assert taken == (1, 0, {"TOO_LARGE": 3, "INVALID": 1})
    assert [one.title for one in (await user.list()).items] == ["t" * 200]
    many = [note(str(number)) for number in range(MAX_IMPORTED_NOTES + 1)]
    with pytest.raises(RemoteError, match="VALIDATION"):
        await take(chat, caller, *many)
    assert await take(chat, caller, *many[1:]) == (MAX_IMPORTED_NOTES, 0, {})


async def test_chat_service_alone_may_bring_them_and_nothing_else_of_a_user_s(
    notes: Channel, port: int, grpc_channel: OpenChannel, caller: Caller
) -> None:
    with pytest.raises(RemoteError) as refused:
        await take(notes, caller, note("one"))
    assert refused.value.kind is Kind.FORBIDDEN
    chat = await chat_of(port, grpc_channel)
    with pytest.raises(RemoteError) as refused:
        await chat.unary(
            chat.stub(notes_pb2_grpc.NotesServiceStub).ListNotes,
            notes_pb2.ListNotesRequest(),
            timeout=30,
            token=caller.token,
        )
    assert refused.value.kind is Kind.FORBIDDEN


async def test_nothing_is_kept_of_who_is_erased_nor_of_who_is_named_in_another_tenant(
    notes: Channel,
    port: int,
    grpc_channel: OpenChannel,
    caller: Caller,
    signer: Signer,
    events: JetStream,
    database: DatabaseUrls,
) -> None:
    chat = await chat_of(port, grpc_channel)
    assert await take(chat, caller, note("one"), key="import-1-0") == (1, 0, {})
    elsewhere = signer.caller(user_id=caller.user_id)
    assert elsewhere.tenant_id != caller.tenant_id
    with pytest.raises(RemoteError, match="ACCOUNT_DELETED"):
        await take(chat, elsewhere, note("two"))
    deleted = events_pb2.UserDeleted(
        erasure_id=str(new_id()), user_id=str(caller.user_id), tenant_id=str(caller.tenant_id)
    )
    deleted.deleted_at.FromDatetime(utc_now())
    await events.publish(
        events.subject("user.deleted"), deleted.SerializeToString(), msg_id=str(new_id())
    )

    async def is_refused() -> bool:
        try:
            await take(chat, caller, note("three"))
        except RemoteError as error:
            return error.reason == "ACCOUNT_DELETED"
        return False

    await eventually(is_refused, timeout=60)

    def rows() -> int:
        with psycopg.connect(database.worker) as worker:
            row = worker.execute(
                "SELECT count(*) FROM notes WHERE user_id = %s", (caller.user_id,)
            ).fetchone()
        assert row is not None
        return int(row[0])

    await eventually(lambda: rows() == 0, timeout=60)
    # Nor the answer that an earlier batch was given.
    with pytest.raises(RemoteError, match="ACCOUNT_DELETED"):
        await take(chat, caller, note("one"), key="import-1-0")
    assert rows() == 0
