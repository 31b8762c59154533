"""Personal access tokens: made once, exchanged, bound, ended."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from auth_service.domain import tokens as domain
from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc import caller as chassis_caller
from chassis.grpc.client import Channel
from chassis.testing import DatabaseUrls, eventually
from parley.auth.v1 import auth_pb2
from parley.auth.v1.auth_pb2_grpc import AuthServiceStub

Register = Callable[[str], Awaitable[auth_pb2.Grant]]


async def _call(
    auth: Channel, method: str, request: Any, token: str | None = None, key: str | None = None
) -> Any:
    stub = getattr(auth.stub(AuthServiceStub), method)
    return await auth.unary(stub, request, timeout=30, token=token, idempotency_key=key)


async def _create(
    auth: Channel,
    token: str,
    *,
    name: str = "a script",
    scopes: tuple[str, ...] = ("notes:read",),
    lasting: timedelta | None = None,
    key: str | None = None,
) -> auth_pb2.CreateTokenResponse:
    expires_at: Timestamp | None = None
    if lasting is not None:
        expires_at = Timestamp()
        expires_at.FromDatetime(datetime.now(UTC) + lasting)
    request = auth_pb2.CreateTokenRequest(name=name, scopes=scopes, expires_at=expires_at)
    made: auth_pb2.CreateTokenResponse = await _call(auth, "CreateToken", request, token, key)
    return made


async def _exchange(auth: Channel, secret: str) -> auth_pb2.ExchangeTokenResponse:
    request = auth_pb2.ExchangeTokenRequest(secret=secret)
    answer: auth_pb2.ExchangeTokenResponse = await _call(auth, "ExchangeToken", request)
    return answer


async def _refused(attempt: Awaitable[object]) -> RemoteError:
    with pytest.raises(RemoteError) as refused:
        await attempt
    return refused.value


async def _outcome(attempt: Awaitable[object]) -> str:
    try:
        await attempt
    except RemoteError as error:
        return error.reason
    return "made"


def _claims(access_token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return claims


def test_what_the_services_know_of_scopes_is_what_there_is() -> None:
    assert frozenset(domain.SCOPES) == chassis_caller.SCOPES


async def test_a_token_is_exchanged_for_its_users_access_token_of_two_minutes_with_its_scopes(
    auth: Channel, register: Register
) -> None:
    grant = await register("ada")
    made = await _create(
        auth, grant.access_token, name=" a script ", scopes=("notes:write", "chat:read")
    )
    assert made.token.name == "a script"
    assert list(made.token.scopes) == ["chat:read", "notes:write"]
    assert re.fullmatch(r"parley_pat_[A-Za-z0-9_-]{43}", made.secret)

    answer = await _exchange(auth, made.secret)

    assert answer.expires_in == 120
    claims = _claims(answer.access_token)
    assert claims["exp"] - claims["iat"] == 120
    assert (claims["sub"], claims["sid"]) == (grant.user.id, made.token.id)
    assert claims["scope"] == "chat:read notes:write"
    # A service believes it; what it is good for, the gateway knows.
    me = await _call(auth, "GetMe", auth_pb2.GetMeRequest(), answer.access_token)
    assert me.user == grant.user
    assert "scope" not in _claims(grant.access_token)


async def test_the_secret_is_nowhere_to_be_found_again(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant = await register("ada")
    made = await _create(auth, grant.access_token)
    listed = await _call(auth, "ListTokens", auth_pb2.ListTokensRequest(), grant.access_token)
    with psycopg.connect(database.admin) as admin:
        rows = str(admin.execute("SELECT t::text FROM tokens t").fetchall())
    for kept in (str(listed), rows):
        assert made.token.id in kept
        assert made.secret not in kept
        assert made.secret.removeprefix("parley_pat_") not in kept


async def test_its_last_use_is_kept_to_the_minute(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant = await register("ada")
    made = await _create(auth, grant.access_token)

    async def last_use() -> Any:
        listed = await _call(auth, "ListTokens", auth_pb2.ListTokensRequest(), grant.access_token)
        [token] = listed.items
        return token.last_used_at if token.HasField("last_used_at") else None

    assert await last_use() is None
    await _exchange(auth, made.secret)
    first = await last_use()
    await _exchange(auth, made.secret)
    assert await last_use() == first
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE tokens SET last_used_at = last_used_at - interval '1 minute'")
    await _exchange(auth, made.secret)
    assert (await last_use()).ToDatetime() > first.ToDatetime()


async def test_what_is_not_acceptable_is_named(auth: Channel, register: Register) -> None:
    grant = await register("ada")
    for changes, field in (
        ({"name": " "}, FieldError("name", "REQUIRED")),
        ({"name": "x" * 65}, FieldError("name", "TOO_LONG", maximum=64)),
        ({"name": "a\0b"}, FieldError("name", "INVALID_CHARACTER")),
        ({"scopes": ()}, FieldError("scopes", "REQUIRED")),
        ({"scopes": ("notes:read", "admin")}, FieldError("scopes", "NOT_ONE_OF")),
        ({"lasting": timedelta(seconds=-1)}, FieldError("expires_at", "OUT_OF_RANGE")),
    ):
        error = await _refused(_create(auth, grant.access_token, **changes))
        assert error.fields == (field,)


async def test_a_user_has_fifty_tokens_and_makes_a_hundred_an_hour(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant, other = await register("ada"), await register("eve")
    await _create(auth, grant.access_token)
    with psycopg.connect(database.worker) as worker:
        # All but one of those that there may be, all but one of the hits that there may be.
        worker.execute(
            "INSERT INTO tokens (id, tenant_id, user_id, digest, name, scopes, created_at)"
            " SELECT gen_random_uuid(), tenant_id, user_id, sha256(int4send(number)), name, scopes,"
            " created_at FROM tokens, generate_series(1, 48) AS number"
        )
        counted = worker.execute(
            "UPDATE counters SET hits = array_fill(hits[1], ARRAY[97]) WHERE scope = 'token'"
        )
        assert counted.rowcount == 1
    await _create(auth, grant.access_token)

    error = await _refused(_create(auth, grant.access_token))
    assert (error.kind, error.reason) == (Kind.CONFLICT, "TOO_MANY_TOKENS")
    await _create(auth, other.access_token)
    with psycopg.connect(database.worker) as worker:
        worker.execute("DELETE FROM tokens WHERE user_id = %s", [grant.user.id])
    said = [await _outcome(_create(auth, grant.access_token)) for _ in range(4)]
    assert said[-1] == "TOO_MANY_ATTEMPTS"
    assert said[0] == "made"
    await _create(auth, other.access_token)


@pytest.mark.slow
async def test_of_sixty_made_at_once_there_are_fifty(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant, other = await register("ada"), await register("eve")

    async def create(name: str) -> str:
        while True:
            try:
                await _create(auth, grant.access_token, name=name)
            except RemoteError as error:
                # As a client does: they wait for each other, on a slow machine for too long.
                if error.reason != "DATABASE_BUSY":
                    return f"{error.kind.name} {error.reason}"
            else:
                return "made"

    said = Counter(await asyncio.gather(*(create(f"{n}") for n in range(60))))
    assert said == {"made": 50, "CONFLICT TOO_MANY_TOKENS": 10}
    await _create(auth, other.access_token)
    seen, cursor = [], ""
    while True:
        request = auth_pb2.ListTokensRequest(limit=20, cursor=cursor, count=True)
        page = await _call(auth, "ListTokens", request, grant.access_token)
        assert page.total == 50
        seen += [token.id for token in page.items]
        if not (cursor := page.next_cursor):
            break
    assert len(set(seen)) == len(seen) == 50
    await _call(auth, "DeleteToken", auth_pb2.DeleteTokenRequest(id=seen[0]), grant.access_token)
    await _create(auth, grant.access_token)


async def test_a_deleted_token_and_what_it_was_exchanged_for_end_within_5_seconds(
    auth: Channel, register: Register
) -> None:
    grant, stranger = await register("ada"), await register("eve")
    made, other = [await _create(auth, grant.access_token) for _ in range(2)]
    access, going_on = [
        (await _exchange(auth, token.secret)).access_token for token in (made, other)
    ]
    delete = auth_pb2.DeleteTokenRequest(id=made.token.id)
    error = await _refused(_call(auth, "DeleteToken", delete, stranger.access_token))
    assert (error.kind, error.reason) == (Kind.NOT_FOUND, "TOKEN_NOT_FOUND")

    await _call(auth, "DeleteToken", delete, grant.access_token)

    assert (await _refused(_exchange(auth, made.secret))).reason == "INVALID_TOKEN"

    async def refused() -> bool:
        try:
            await _call(auth, "GetMe", auth_pb2.GetMeRequest(), access)
        except RemoteError as error:
            return error.kind is Kind.UNAUTHENTICATED
        return False

    await eventually(refused, 5)
    await _call(auth, "GetMe", auth_pb2.GetMeRequest(), going_on)
    again = await _refused(_call(auth, "DeleteToken", delete, grant.access_token))
    assert again.reason == "TOKEN_NOT_FOUND"


async def test_no_access_token_outlives_the_token_it_is_for(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant = await register("ada")
    made = await _create(auth, grant.access_token, lasting=timedelta(seconds=30))
    answer = await _exchange(auth, made.secret)
    assert 27 <= answer.expires_in <= 30
    assert _claims(answer.access_token)["exp"] <= made.token.expires_at.seconds + 1
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE tokens SET expires_at = now()")
    assert (await _refused(_exchange(auth, made.secret))).reason == "INVALID_TOKEN"


async def test_whatever_is_wrong_with_a_token_it_is_refused_alike(
    auth: Channel, register: Register, database: DatabaseUrls
) -> None:
    grant = await register("ada")
    expired, orphan = [await _create(auth, grant.access_token) for _ in range(2)]
    with psycopg.connect(database.worker) as worker:
        worker.execute("UPDATE tokens SET expires_at = now() WHERE id = %s", [expired.token.id])
    delete_me = auth_pb2.DeleteMeRequest(password="correct horse")
    await _call(auth, "DeleteMe", delete_me, grant.access_token)
    with psycopg.connect(database.worker) as worker:
        # Nothing of the user is left, nor of what they made.
        assert worker.execute("SELECT count(*) FROM tokens").fetchone() == (0,)
    secrets = [
        expired.secret,
        orphan.secret,
        "parley_pat_" + "A" * 43,
        "parley_pat_",
        "",
        "\0",
        "A" * 43,
        orphan.secret.upper(),
        f"{orphan.secret} ",
        f"{orphan.secret}\n",
        "parley_pat_" + "A" * 100_000,
        grant.access_token,
        grant.refresh_token,
    ]
    said = set()
    for secret in secrets:
        error = await _refused(_exchange(auth, secret))
        said.add((error.kind, error.reason, error.detail, error.fields))
    assert len(said) == 1
    assert said.pop()[:2] == (Kind.UNAUTHENTICATED, "INVALID_TOKEN")


async def test_logging_out_and_a_new_password_leave_tokens_alone(
    auth: Channel, register: Register
) -> None:
    grant = await register("ada")
    made = await _create(auth, grant.access_token)
    change = auth_pb2.ChangePasswordRequest(
        old_password="correct horse", new_password="battery staple"
    )
    await _call(auth, "ChangePassword", change, grant.access_token)
    await _call(auth, "RevokeLogins", auth_pb2.RevokeLoginsRequest(), grant.access_token)
    answer = await _exchange(auth, made.secret)
    await _call(auth, "GetMe", auth_pb2.GetMeRequest(), answer.access_token)


async def test_a_request_that_is_repeated_makes_one_token_and_shows_it_once(
    auth: Channel, register: Register
) -> None:
    ada, bob = await register("ada"), await register("bob")
    made = await _create(auth, ada.access_token, key="one")

    again = await _refused(_create(auth, ada.access_token, key="one"))
    assert (again.kind, again.reason) == (Kind.CONFLICT, "TOKEN_ALREADY_SHOWN")
    other = await _refused(_create(auth, ada.access_token, name="another", key="one"))
    assert (other.kind, other.reason) == (Kind.INVALID, "IDEMPOTENCY_KEY_REUSED")
    listed = await _call(auth, "ListTokens", auth_pb2.ListTokensRequest(), ada.access_token)
    assert [token.id for token in listed.items] == [made.token.id]
    # Keys are each user's own.
    await _create(auth, bob.access_token, key="one")
    await _create(auth, ada.access_token, key="two")


async def test_two_users_with_one_key_at_one_moment_each_have_a_token_of_their_own(
    auth: Channel, register: Register
) -> None:
    grants = await register("ada"), await register("bob")
    made = await asyncio.gather(*(_create(auth, one.access_token, key="k") for one in grants))
    for grant, answer in zip(grants, made, strict=True):
        listed = await _call(auth, "ListTokens", auth_pb2.ListTokensRequest(), grant.access_token)
        assert [token.id for token in listed.items] == [answer.token.id]
        whose = _claims((await _exchange(auth, answer.secret)).access_token)["sub"]
        assert whose == grant.user.id
