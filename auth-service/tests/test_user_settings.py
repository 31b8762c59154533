"""What users want of the whole: theirs alone, and gone with them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls, OpenChannel
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub, SettingsServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]
DEFAULTS = auth_pb2.UserSettings(theme=auth_pb2.THEME_SYSTEM, enter_sends=True)
ALL: dict[str, Any] = {
    "language": "zh-Hans",
    "theme": auth_pb2.THEME_DARK,
    "instructions": "Say 雪.\n" * 1000,
    "default_persona": "A teacher",
    "titles_by_model": True,
    "retention_days": 3650,
    "enter_sends": False,
}


async def _get(channel: Channel, grant: auth_pb2.Grant) -> auth_pb2.UserSettings:
    stub = channel.stub(SettingsServiceStub)
    request = auth_pb2.GetUserSettingsRequest()
    answer = await channel.unary(
        stub.GetUserSettings, request, timeout=30, token=grant.access_token
    )
    return answer.settings


async def _update(channel: Channel, grant: auth_pb2.Grant, **changes: Any) -> auth_pb2.UserSettings:
    stub = channel.stub(SettingsServiceStub)
    request = auth_pb2.UpdateUserSettingsRequest(**changes)
    answer = await channel.unary(
        stub.UpdateUserSettings, request, timeout=30, token=grant.access_token
    )
    return answer.settings


async def test_who_has_set_nothing_has_what_holds_by_default(
    auth: Channel, register: Register
) -> None:
    assert await _get(auth, await register("ada")) == DEFAULTS


async def test_what_is_set_holds_and_what_is_reset_holds_no_more(
    auth: Channel, register: Register
) -> None:
    ada, bob = await register("ada"), await register("bob")

    assert await _update(auth, ada, **ALL) == auth_pb2.UserSettings(**ALL, version=1)
    expected = dict(ALL)
    for number, name in enumerate(ALL, 2):
        del expected[name]
        settings = auth_pb2.UserSettings(version=number)
        settings.MergeFrom(DEFAULTS)
        for other, value in expected.items():
            setattr(settings, other, value)
        assert await _update(auth, ada, reset=[name]) == settings
        assert await _get(auth, ada) == settings
    assert await _get(auth, bob) == DEFAULTS


async def test_some_are_set_and_others_reset_at_once_and_the_rest_stays(
    auth: Channel, register: Register
) -> None:
    ada = await register("ada")
    await _update(auth, ada, language="EN-us", retention_days=7, titles_by_model=True)

    settings = await _update(auth, ada, retention_days=1, reset=["language", "theme"])

    assert settings == auth_pb2.UserSettings(
        theme=auth_pb2.THEME_SYSTEM,
        retention_days=1,
        titles_by_model=True,
        enter_sends=True,
        version=2,
    )
    assert await _update(auth, ada) == settings


@pytest.mark.parametrize(
    ("given", "kept"),
    [("EN", "en"), (" zh-hans-cn ", "zh-Hans-CN"), ("DE-ch-1996", "de-CH-1996")],
)
async def test_a_language_is_kept_as_it_is_usually_written(
    auth: Channel, register: Register, given: str, kept: str
) -> None:
    assert (await _update(auth, await register("ada"), language=given)).language == kept


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"language": ""}, FieldError("language", "REQUIRED")),
        ({"language": "e"}, FieldError("language", "TOO_SHORT", minimum=2)),
        ({"language": "en_US"}, FieldError("language", "INVALID")),
        ({"language": "en-"}, FieldError("language", "INVALID")),
        (
            {"language": "en-" + "-".join(["abcdefgh"] * 4)},
            FieldError("language", "TOO_LONG", maximum=35),
        ),
        ({"language": "\u0435n"}, FieldError("language", "INVALID")),
        ({"theme": 7}, FieldError("theme", "NOT_ONE_OF")),
        ({"theme": 0}, FieldError("theme", "NOT_ONE_OF")),
        ({"instructions": "x" * 8001}, FieldError("instructions", "TOO_LONG", maximum=8000)),
        ({"instructions": "a\0"}, FieldError("instructions", "INVALID_CHARACTER")),
        ({"default_persona": " "}, FieldError("default_persona", "REQUIRED")),
        ({"default_persona": "x" * 65}, FieldError("default_persona", "TOO_LONG", maximum=64)),
        ({"default_persona": "a\nb"}, FieldError("default_persona", "INVALID_CHARACTER")),
        ({"retention_days": 0}, FieldError("retention_days", "TOO_SMALL", minimum=1)),
        ({"retention_days": 3651}, FieldError("retention_days", "TOO_LARGE", maximum=3650)),
        ({"reset": ["version"]}, FieldError("reset", "NOT_ONE_OF")),
        ({"reset": ["language"], "language": "en"}, FieldError("language", "INVALID")),
    ],
)
async def test_what_is_not_acceptable_is_named_and_nothing_is_changed(
    auth: Channel, register: Register, changes: dict[str, Any], error: FieldError
) -> None:
    ada = await register("ada")
    with pytest.raises(RemoteError) as refused:
        await _update(auth, ada, titles_by_model=True, **changes)
    assert refused.value.kind is Kind.INVALID
    assert refused.value.fields == (error,)
    assert await _get(auth, ada) == DEFAULTS


async def test_of_many_changes_at_once_none_is_lost(auth: Channel, register: Register) -> None:
    ada = await register("ada")
    await asyncio.gather(*(_update(auth, ada, **{name: value}) for name, value in ALL.items()))
    assert await _get(auth, ada) == auth_pb2.UserSettings(**ALL, version=len(ALL))


async def test_the_audit_log_names_what_was_changed_and_no_value(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    ada = await register("ada")
    await _update(auth, ada, instructions="My secret wish", reset=["theme"])
    with psycopg.connect(database.worker) as worker:
        entries = worker.execute(
            "SELECT subject_id::text, actor_id::text, fields FROM audit"
            " WHERE event = 'settings.changed'"
        ).fetchall()
    assert entries == [(ada.user.id, ada.user.id, {"names": "instructions, theme"})]


async def test_settings_are_changed_only_so_often(auth: Channel, register: Register) -> None:
    ada, eve = await register("ada"), await register("eve")
    limit = 300
    for at in range(0, limit, 20):
        await asyncio.gather(
            *(_update(auth, ada, retention_days=1 + at + number) for number in range(20))
        )
    with pytest.raises(RemoteError) as refused:
        await _update(auth, ada, enter_sends=False)
    assert refused.value.reason == "TOO_MANY_ATTEMPTS"
    assert refused.value.retry_after
    assert (await _get(auth, ada)).version == limit
    # Somebody else of the same tenant goes on.
    assert (await _update(auth, eve, enter_sends=False)).version == 1


async def test_settings_go_with_their_user_also_by_the_hand_of_an_earlier_release(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    ada, bob, eve = [await register(name) for name in ("ada", "bob", "eve")]
    for grant in (ada, bob, eve):
        await _update(auth, grant, instructions="personal")
    stub = auth.stub(AuthServiceStub)
    request = auth_pb2.DeleteMeRequest(password="correct horse")
    await auth.unary(stub.DeleteMe, request, timeout=30, token=ada.access_token)
    with psycopg.connect(database.worker) as worker:
        # The statement by which an earlier release leaves a tombstone.
        worker.execute(
            "UPDATE users SET status = 'deleted', deleted_at = now(), username = NULL,"
            " username_key = NULL, email = NULL, email_key = NULL, email_verified_at = NULL,"
            " display_name = NULL, password_hash = NULL, last_login_at = NULL WHERE id = %s",
            [bob.user.id],
        )
    with psycopg.connect(database.worker) as worker:
        left = worker.execute("SELECT user_id::text FROM user_settings").fetchall()
    assert left == [(eve.user.id,)]
    # In time with the token that was good a moment ago.
    with pytest.raises(RemoteError) as refused:
        await _update(auth, ada, instructions="back again")
    assert refused.value.reason in {"ACCOUNT_DELETED", "UNAUTHENTICATED"}
    with pytest.raises(RemoteError) as refused:
        await _update(auth, bob, instructions="back again")
    assert refused.value.reason == "ACCOUNT_DELETED"
    with psycopg.connect(database.worker) as worker:
        assert worker.execute("SELECT count(*) FROM user_settings").fetchone() == (1,)


async def test_what_another_release_knows_is_kept_and_does_no_harm(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    ada = await register("ada")
    await _update(auth, ada, language="en")
    later = '{"of_a_later_release": [1]}'
    with psycopg.connect(database.admin) as admin:
        admin.execute("UPDATE user_settings SET settings = settings || %s::jsonb", [later])
    assert (await _update(auth, ada, retention_days=5)).language == "en"
    with psycopg.connect(database.admin) as admin:
        row = admin.execute("SELECT settings -> 'of_a_later_release' FROM user_settings").fetchone()
    assert row == ([1],)


async def test_the_gateway_changes_them_chat_service_follows_all_and_nobody_else_does(
    auth_port: int, grpc_channel: OpenChannel, register: Register
) -> None:
    ada = await register("ada")
    outcomes: dict[tuple[str, str], Kind | None] = {}
    for name in ("gateway", "chat-service", "apikey-service", "notes-service", "tester"):
        channel = await grpc_channel(auth_port, "auth-service", as_name=name)
        calls = {
            "get": _get(channel, ada),
            "update": _update(channel, ada),
            "changes": _changes(channel, 0),
        }
        for call, asking in calls.items():
            try:
                await asking
            except RemoteError as error:
                outcomes[name, call] = error.kind
            else:
                outcomes[name, call] = None
    allowed = {("gateway", "get"), ("gateway", "update"), ("chat-service", "changes")}
    assert outcomes == {who: None if who in allowed else Kind.FORBIDDEN for who in outcomes}
    assert allowed <= outcomes.keys()


async def test_without_a_token_there_are_none(auth: Channel) -> None:
    for call in (_get, _update):
        with pytest.raises(RemoteError) as refused:
            await call(auth, auth_pb2.Grant(access_token="nonsense"))
        assert refused.value.kind is Kind.UNAUTHENTICATED


async def test_the_app_role_sees_and_changes_its_own_users_row_alone(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    ada, bob = await register("ada"), await register("bob")
    for grant in (ada, bob):
        await _update(auth, grant, language="en")
    with psycopg.connect(database.app) as app:
        assert app.execute("SELECT count(*) FROM user_settings").fetchone() == (0,)
        app.execute("SELECT set_config('parley.tenant_id', %s, true)", [ada.user.tenant_id])
        app.execute("SELECT set_config('parley.user_id', %s, true)", [ada.user.id])
        seen = app.execute("SELECT user_id::text FROM user_settings").fetchall()
        assert seen == [(ada.user.id,)]
        assert app.execute("UPDATE user_settings SET version = 9").rowcount == 1
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            app.execute(
                "UPDATE user_settings SET tenant_id = gen_random_uuid()",
            )


async def _changes(channel: Channel, after: int, limit: int = 0) -> Any:
    request = auth_pb2.ListSettingsChangesRequest(after=after, limit=limit)
    stub = channel.stub(SettingsServiceStub)
    return await channel.unary(stub.ListSettingsChanges, request, timeout=10)


async def test_chat_service_follows_what_all_users_have_set_without_a_token(
    auth_port: int, grpc_channel: OpenChannel, register: Register, auth: Channel
) -> None:
    ada, bob, eve = [await register(name) for name in ("ada", "bob", "eve")]
    chat = await grpc_channel(auth_port, "auth-service", as_name="chat-service")
    assert list((await _changes(chat, 0)).items) == []
    await _update(auth, ada, instructions="Be brief.", language="en")
    await _update(auth, bob, default_persona="Muse", titles_by_model=True, retention_days=3)
    first = (await _changes(chat, 0)).items
    assert [one.user_id for one in first] == [ada.user.id, bob.user.id]
    numbers = [one.change for one in first]
    assert numbers == sorted(set(numbers))
    assert first[0] == auth_pb2.SettingsChange(
        change=numbers[0],
        user_id=ada.user.id,
        tenant_id=ada.user.tenant_id,
        instructions="Be brief.",
    )
    assert first[1] == auth_pb2.SettingsChange(
        change=numbers[1],
        user_id=bob.user.id,
        tenant_id=bob.user.tenant_id,
        default_persona="Muse",
        titles_by_model=True,
        retention_days=3,
    )
    # A later change has the place of the earlier one, behind all others.
    await _update(auth, ada, reset=["instructions"])
    await _update(auth, eve, retention_days=1)
    page = await _changes(chat, 0, limit=2)
    assert [one.user_id for one in page.items] == [bob.user.id, ada.user.id]
    assert page.items[1].instructions == ""
    rest = await _changes(chat, page.items[1].change)
    assert [one.user_id for one in rest.items] == [eve.user.id]
    assert rest.newest == rest.items[0].change
    assert list((await _changes(chat, rest.newest)).items) == []
    assert (await _changes(chat, rest.newest)).newest == rest.newest


async def test_no_change_is_committed_below_a_number_that_was_read(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    ada, bob = await register("ada"), await register("bob")
    await _update(auth, ada, language="en")
    await _update(auth, bob, language="en")
    change = "UPDATE user_settings SET version = version + 1 WHERE user_id = %s RETURNING change"
    with psycopg.connect(database.admin) as first, psycopg.connect(database.admin) as second:
        (lower,) = first.execute(change, [ada.user.id]).fetchone() or (0,)
        # The other one has to wait until that is committed, or it would be seen before it.
        second.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            second.execute(change, [bob.user.id])
        second.rollback()
        first.commit()
        (higher,) = second.execute(change, [bob.user.id]).fetchone() or (0,)
        assert higher > lower


async def test_a_change_by_an_earlier_release_has_a_number_too(
    auth_port: int,
    grpc_channel: OpenChannel,
    auth: Channel,
    register: Register,
    database: DatabaseUrls,
) -> None:
    ada, bob = await register("ada"), await register("bob")
    await _update(auth, ada, language="en")
    chat = await grpc_channel(auth_port, "auth-service", as_name="chat-service")
    seen = (await _changes(chat, 0)).newest
    # The statement of that release, which names no number.
    with psycopg.connect(database.admin) as admin:
        for user in (ada, bob):
            admin.execute(
                "INSERT INTO user_settings (user_id, tenant_id, settings, version, updated_at)"
                " VALUES (%s, %s, '{\"retention_days\": 9}', 1, now()) ON CONFLICT (user_id)"
                " DO UPDATE SET settings = user_settings.settings || EXCLUDED.settings",
                [user.user.id, user.user.tenant_id],
            )
    changes = (await _changes(chat, seen)).items
    assert [(one.user_id, one.retention_days) for one in changes] == [
        (ada.user.id, 9),
        (bob.user.id, 9),
    ]


@pytest.mark.parametrize(("after", "limit"), [(-1, 0), (0, -1), (0, 101)])
async def test_a_page_of_changes_that_nobody_may_ask_for_is_refused(
    auth_port: int, grpc_channel: OpenChannel, after: int, limit: int
) -> None:
    chat = await grpc_channel(auth_port, "auth-service", as_name="chat-service")
    with pytest.raises(RemoteError) as refused:
        await _changes(chat, after, limit)
    assert refused.value.kind is Kind.INVALID
