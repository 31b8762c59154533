"""Whatever is under way while an account is deleted: nothing of it is left behind the deletion."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from chassis.errors import RemoteError
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub, SettingsServiceStub

Mailbox = Any
ADA, NEW_ADDRESS = "ada@example.org", "countess@example.org"
OLD, NEW = "correct horse", "battery staple"


class Ada:
    """An operator with a verified address, and a code that sets a new password."""

    def __init__(self, auth: Channel, grant: auth_pb2.Grant, code: str) -> None:
        self._auth = auth
        self.grant = grant
        self.id = grant.user.id
        self._code = code

    async def call(self, method: str, request: Any, *, key: str | None = None) -> Any:
        of = SettingsServiceStub if method == "UpdateUserSettings" else AuthServiceStub
        stub = getattr(self._auth.stub(of), method)
        # In time for a database that is held up, and a crowded machine.
        return await self._auth.unary(
            stub, request, timeout=30, token=self.grant.access_token, idempotency_key=key
        )

    async def delete(self) -> None:
        await self.call("DeleteMe", auth_pb2.DeleteMeRequest(password=OLD))

    async def log_in(self) -> None:
        await self.call("LogIn", auth_pb2.LogInRequest(username="ada", password=OLD))

    async def refresh(self) -> None:
        await self.call("Refresh", auth_pb2.RefreshRequest(refresh_token=self.grant.refresh_token))

    async def reset(self) -> None:
        request = auth_pb2.ResetPasswordRequest(email=ADA, code=self._code, new_password=NEW)
        await self.call("ResetPassword", request)

    async def change_password(self) -> None:
        request = auth_pb2.ChangePasswordRequest(old_password=OLD, new_password=NEW)
        await self.call("ChangePassword", request)

    async def change_name(self) -> None:
        await self.call("UpdateMe", auth_pb2.UpdateMeRequest(display_name="Countess"))

    async def change_address(self) -> None:
        await self.call("UpdateMe", auth_pb2.UpdateMeRequest(email=NEW_ADDRESS, password=OLD))

    async def create_token(self) -> None:
        request = auth_pb2.CreateTokenRequest(name="a script", scopes=["notes:read"])
        await self.call("CreateToken", request, key="a-key")

    async def change_settings(self) -> None:
        request = auth_pb2.UpdateUserSettingsRequest(instructions="I am the countess.")
        await self.call("UpdateUserSettings", request)

    async def create_tenant(self) -> None:
        await self.call("CreateTenant", auth_pb2.CreateTenantRequest(name="Acme"), key="a-key")


#: And what each is told behind a deletion. A refresh looks at its login, not at its user, and has
#: its answer as long as that is there.
RACERS: dict[Callable[[Ada], Awaitable[None]], str] = {
    Ada.log_in: "INVALID_CREDENTIALS",
    Ada.refresh: "",
    Ada.reset: "INVALID_CODE",
    Ada.change_password: "ACCOUNT_DELETED",
    Ada.change_name: "ACCOUNT_DELETED",
    Ada.change_address: "ACCOUNT_DELETED",
    Ada.create_token: "ACCOUNT_DELETED",
    Ada.change_settings: "ACCOUNT_DELETED",
    Ada.create_tenant: "FORBIDDEN",
}


@pytest_asyncio.fixture(loop_scope="session")
async def ada(auth: Channel, mailbox: Mailbox, database: DatabaseUrls) -> Ada:
    stub = auth.stub(AuthServiceStub)

    async def code(purpose: auth_pb2.CodePurpose.ValueType, count: int) -> str:
        request = auth_pb2.SendCodeRequest(email=ADA, purpose=purpose)
        await auth.unary(stub.SendCode, request, timeout=30)
        sent: str = await mailbox.code(ADA, count=count)
        return sent

    request = auth_pb2.RegisterRequest(
        username="ada",
        email=ADA,
        password=OLD,
        code=await code(auth_pb2.CODE_PURPOSE_REGISTER, 1),
    )
    user = (await auth.unary(stub.Register, request, timeout=30)).grant.user
    with psycopg.connect(database.admin) as admin:
        admin.execute("UPDATE users SET role = 'operator' WHERE id = %s", (user.id,))
    log_in = auth_pb2.LogInRequest(username="ada", password=OLD)
    grant = (await auth.unary(stub.LogIn, log_in, timeout=30)).grant
    return Ada(auth, grant, await code(auth_pb2.CODE_PURPOSE_PASSWORD_RESET, 2))


@asynccontextmanager
async def _in_order(
    database: DatabaseUrls, user_id: str, *calls: Awaitable[None]
) -> AsyncIterator[list[asyncio.Future[None]]]:
    """The calls, each begun once the one before waits for the user's row; then they have it in
    turn, as PostgreSQL's queue has them.
    """
    with (
        psycopg.connect(database.admin) as holder,
        psycopg.connect(database.admin, autocommit=True) as looker,
    ):
        holder.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (user_id,))
        begun: list[asyncio.Future[None]] = []
        for call in calls:
            begun.append(asyncio.ensure_future(call))

            def waits_or_is_done(call: asyncio.Future[None] = begun[-1]) -> bool:
                return call.done() or _waiting(looker) == sum(not one.done() for one in begun)

            await eventually(waits_or_is_done)
        holder.rollback()
        yield begun
        await asyncio.wait(begun)


def _waiting(looker: psycopg.Connection) -> int:
    row = looker.execute(
        "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    ).fetchone()
    assert row is not None
    count: int = row[0]
    return count


def _left_of(database: DatabaseUrls, user_id: str) -> dict[str, Any]:
    """What is kept of the user that is personal, or opens anything."""
    with psycopg.connect(database.admin) as admin:
        user = admin.execute(
            "SELECT username, username_key, email, email_key, email_verified_at, display_name,"
            " password_hash, last_login_at FROM users WHERE id = %s",
            (user_id,),
        ).fetchone()
        assert user is not None
        left: dict[str, Any] = {f"column {at}": value for at, value in enumerate(user) if value}
        kept = ("logins", "refresh_tokens", "tokens", "idempotency_keys", "user_settings")
        for table in kept:
            (count,) = admin.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
            if count:
                left[table] = count
    return left


@pytest.mark.parametrize("racer", RACERS, ids=lambda racer: racer.__name__)
async def test_what_comes_behind_a_deletion_finds_nobody_and_leaves_nothing(
    ada: Ada, database: DatabaseUrls, racer: Callable[[Ada], Awaitable[None]]
) -> None:
    async with _in_order(database, ada.id, ada.delete(), racer(ada)) as (deletion, other):
        await deletion
        if not RACERS[racer]:
            await other
        else:
            # Told by what looked, not by a constraint of the database that had to catch it.
            with pytest.raises(RemoteError) as refused:
                await other
            assert refused.value.reason == RACERS[racer]
    assert _left_of(database, ada.id) == {}


@pytest.mark.parametrize("racer", RACERS, ids=lambda racer: racer.__name__)
async def test_a_deletion_behind_something_takes_away_what_that_left(
    ada: Ada, database: DatabaseUrls, racer: Callable[[Ada], Awaitable[None]]
) -> None:
    async with _in_order(database, ada.id, racer(ada), ada.delete()) as (other, deletion):
        await other
        # With another password than was confirmed, it is refused, and has to be asked for again.
        if racer in (Ada.reset, Ada.change_password):
            with pytest.raises(RemoteError):
                await deletion
            return
        await deletion
    assert _left_of(database, ada.id) == {}
