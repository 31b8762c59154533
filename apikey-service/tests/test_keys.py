import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from chassis.errors import FieldError, Kind, RemoteError
from chassis.grpc.client import Channel
from chassis.ids import new_id
from chassis.testing import DatabaseUrls, OpenChannel, Signer
from parley.apikey.v1 import apikey_pb2
from parley.apikey.v1.apikey_pb2_grpc import ApiKeyServiceStub
from parley.generation.v1 import generation_pb2

PLAIN = "sk-proj-0123456789abcdefwxyz"


@dataclass(frozen=True)
class User:
    """A user, as gateway and chat-service speak for them."""

    gateway: Channel
    chat: Channel
    token: str

    async def create(
        self,
        name: str = "work",
        *,
        api_key: str = PLAIN,
        model: str = "gpt-5",
        base_url: str = "https://api.openai.com/v1",
        provider: apikey_pb2.Provider.ValueType = apikey_pb2.PROVIDER_OPENAI,
    ) -> apikey_pb2.Key:
        answer = await self.gateway.unary(
            self.gateway.stub(ApiKeyServiceStub).CreateKey,
            apikey_pb2.CreateKeyRequest(
                name=name, api_key=api_key, model=model, base_url=base_url, provider=provider
            ),
            timeout=30,
            token=self.token,
        )
        return answer.key

    async def get(self, key_id: str) -> apikey_pb2.Key:
        answer = await self.gateway.unary(
            self.gateway.stub(ApiKeyServiceStub).GetKey,
            apikey_pb2.GetKeyRequest(id=key_id),
            timeout=30,
            token=self.token,
        )
        return answer.key

    async def list(
        self, limit: int = 0, cursor: str = "", *, count: bool = False
    ) -> apikey_pb2.ListKeysResponse:
        return await self.gateway.unary(
            self.gateway.stub(ApiKeyServiceStub).ListKeys,
            apikey_pb2.ListKeysRequest(limit=limit, cursor=cursor, count=count),
            timeout=30,
            token=self.token,
        )

    async def resolve(self, key_id: str | None = None) -> apikey_pb2.ResolveKeyResponse:
        return await self.chat.unary(
            self.chat.stub(ApiKeyServiceStub).ResolveKey,
            apikey_pb2.ResolveKeyRequest(id=key_id),
            timeout=30,
            token=self.token,
        )


@pytest.fixture
def new_user(running: Any, signer: Signer) -> Callable[[], User]:
    return lambda: User(running.channel, running.chat, signer.token())


@pytest.fixture
def alice(new_user: Callable[[], User]) -> User:
    return new_user()


@pytest.fixture
def bob(new_user: Callable[[], User]) -> User:
    return new_user()


async def test_a_key_that_was_created_can_be_read_masked(alice: User) -> None:
    created = await alice.create(
        "  work ",
        api_key=f" {PLAIN}\n",
        model=" gpt-5 ",
        base_url=" HTTPS://API.openai.com/v1/ ",
        provider=apikey_pb2.PROVIDER_UNSPECIFIED,
    )

    assert created.name == "work"
    assert created.masked_key == "sk-…wxyz"
    assert created.model == "gpt-5"
    assert created.base_url == "https://api.openai.com/v1"
    assert created.provider == apikey_pb2.PROVIDER_OPENAI
    assert created.created_at == created.updated_at
    assert await alice.get(created.id) == created


async def test_chat_service_gets_the_key_in_the_clear(alice: User) -> None:
    created = await alice.create()

    resolved = await alice.resolve(created.id)

    assert resolved == apikey_pb2.ResolveKeyResponse(
        id=created.id,
        name="work",
        api_key=PLAIN,
        model="gpt-5",
        base_url="https://api.openai.com/v1",
        provider=apikey_pb2.PROVIDER_OPENAI,
        parameters=generation_pb2.GenerationParameters(temperature=0.7, max_tokens=2048),
        owner=apikey_pb2.OWNER_USER,
    )


async def test_without_an_id_the_first_key_is_the_one(alice: User, bob: User) -> None:
    await bob.create("earlier, but not Alice's")
    first = await alice.create("first")
    second = await alice.create("second")

    assert (await alice.resolve()).id == first.id
    assert (await alice.resolve(second.id)).id == second.id


async def test_a_key_whose_row_was_swapped_says_that_it_is_to_be_saved_again(
    alice: User, database: DatabaseUrls
) -> None:
    first, second = await alice.create("first"), await alice.create("second")
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute(
            """UPDATE keys SET (ciphertext, wrapped_key) =
                   (SELECT ciphertext, wrapped_key FROM keys WHERE id = %s) WHERE id = %s""",
            (second.id, first.id),
        )

    for key_id in (None, first.id):
        with pytest.raises(RemoteError) as refused:
            await alice.resolve(key_id)
        assert (refused.value.kind, refused.value.reason) == (Kind.CONFLICT, "KEY_UNREADABLE")
        assert "save it again" in refused.value.detail

    assert (await alice.resolve(second.id)).api_key == PLAIN
    again = await alice.create("again")
    assert (await alice.resolve(again.id)).api_key == PLAIN


async def test_a_key_whose_encryption_key_is_gone_says_the_same(
    alice: User, database: DatabaseUrls
) -> None:
    key = await alice.create()
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute("UPDATE keys SET kek_id = '0123456789abcdef'")

    with pytest.raises(RemoteError) as refused:
        await alice.resolve(key.id)
    assert (refused.value.kind, refused.value.reason) == (Kind.CONFLICT, "KEY_UNREADABLE")


async def test_without_any_key_there_is_none_to_resolve(alice: User, bob: User) -> None:
    await bob.create()
    with pytest.raises(RemoteError) as refused:
        await alice.resolve()
    assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "NO_KEY")


async def test_another_users_key_is_as_if_absent(alice: User, bob: User) -> None:
    key = await alice.create()
    await bob.create()

    for key_id in (key.id, str(new_id()), "", "7", "\x00", "x" * 5000):
        for attempt in (bob.get(key_id), bob.resolve(key_id)):
            with pytest.raises(RemoteError) as refused:
                await attempt
            assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "KEY_NOT_FOUND")
    assert key.id not in [item.id for item in (await bob.list()).items]


async def test_only_chat_service_may_resolve_and_it_nothing_else(
    alice: User, port: int, grpc_channel: OpenChannel
) -> None:
    key = await alice.create()
    for name in ("gateway", "notes-service", "auth-service", "apikey-service", "tester"):
        channel = await grpc_channel(port, "apikey-service", as_name=name)
        with pytest.raises(RemoteError) as refused:
            await User(channel, channel, alice.token).resolve(key.id)
        assert refused.value.kind is Kind.FORBIDDEN
    for attempt in (
        User(alice.chat, alice.chat, alice.token).get(key.id),
        User(alice.chat, alice.chat, alice.token).list(),
        User(alice.chat, alice.chat, alice.token).create("other"),
    ):
        with pytest.raises(RemoteError) as refused:
            await attempt
        assert refused.value.kind is Kind.FORBIDDEN


async def test_a_call_without_a_good_token_is_refused(alice: User) -> None:
    for token in ("", Signer().token()):
        with pytest.raises(RemoteError) as refused:
            await User(alice.gateway, alice.chat, token).resolve()
        assert refused.value.kind is Kind.UNAUTHENTICATED


@pytest.mark.parametrize("name", ["work", "WORK", " work ", "\uff57\uff4f\uff52\uff4b"])
async def test_a_name_that_looks_like_one_that_is_there_is_taken(
    alice: User, bob: User, name: str
) -> None:
    await alice.create("work")
    with pytest.raises(RemoteError) as refused:
        await alice.create(name)
    assert (refused.value.kind, refused.value.reason) == (Kind.CONFLICT, "KEY_NAME_TAKEN")
    assert (await bob.create(name)).name == name.strip()


async def test_of_keys_created_at_once_under_one_name_one_is_stored(alice: User) -> None:
    outcomes = await asyncio.gather(
        *(alice.create("work") for _ in range(8)), return_exceptions=True
    )

    assert sum(isinstance(outcome, apikey_pb2.Key) for outcome in outcomes) == 1
    refusals = {repr(outcome) for outcome in outcomes if isinstance(outcome, RemoteError)}
    assert refusals == {"RemoteError('KEY_NAME_TAKEN')"}
    assert (await alice.list(count=True)).total == 1


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": ""}, [("name", "REQUIRED")]),
        ({"name": "  "}, [("name", "REQUIRED")]),
        ({"name": "x" * 101}, [("name", "TOO_LONG", None, 100)]),
        ({"name": "a\x00b"}, [("name", "INVALID_CHARACTER")]),
        ({"name": "a\nb"}, [("name", "INVALID_CHARACTER")]),
        ({"name": "work\u200b"}, [("name", "INVALID_CHARACTER")]),
        ({"api_key": ""}, [("api_key", "REQUIRED")]),
        ({"api_key": "x" * 8001}, [("api_key", "TOO_LONG", None, 8000)]),
        ({"api_key": "sk-\x00"}, [("api_key", "INVALID_CHARACTER")]),
        ({"api_key": "sk-\r\nHost: x"}, [("api_key", "INVALID_CHARACTER")]),
        ({"api_key": "sk-ключ"}, [("api_key", "INVALID_CHARACTER")]),
        ({"model": ""}, [("model", "REQUIRED")]),
        ({"model": "m" * 201}, [("model", "TOO_LONG", None, 200)]),
        ({"model": "m\x00"}, [("model", "INVALID_CHARACTER")]),
        ({"base_url": ""}, [("base_url", "REQUIRED")]),
        ({"base_url": "ftp://example.com"}, [("base_url", "INVALID_URL")]),
        ({"base_url": "https://user:pw@example.com"}, [("base_url", "INVALID_URL")]),
        ({"base_url": "https://0177.0.0.1/v1"}, [("base_url", "INVALID_HOST")]),
        ({"base_url": "http://localhost.:8001/v1"}, [("base_url", "INVALID_HOST")]),
        ({"base_url": "http://.localhost:8001/v1"}, [("base_url", "INVALID_HOST")]),
        ({"base_url": "http://127.000.000.001:8001"}, [("base_url", "INVALID_HOST")]),
        ({"base_url": f"http://{'a' * 64}.example"}, [("base_url", "INVALID_HOST")]),
        ({"base_url": "https://example.com:99999"}, [("base_url", "INVALID_PORT")]),
        ({"base_url": "https://example.com:0"}, [("base_url", "INVALID_PORT")]),
        ({"base_url": f"https://example.com/{'x' * 500}"}, [("base_url", "TOO_LONG", None, 500)]),
        ({"name": "", "model": ""}, [("name", "REQUIRED"), ("model", "REQUIRED")]),
        ({"provider": 99}, [("provider", "UNKNOWN")]),
    ],
)
async def test_a_field_that_is_not_acceptable_is_refused(
    alice: User, fields: dict[str, str], errors: list[Any]
) -> None:
    with pytest.raises(RemoteError) as refused:
        await alice.create(**fields)  # type: ignore[arg-type]  # provider as a bare number

    assert (refused.value.kind, refused.value.reason) == (Kind.INVALID, "VALIDATION")
    assert list(refused.value.fields) == [FieldError(*error) for error in errors]
    assert (await alice.list(count=True)).total == 0


async def test_the_list_is_read_page_by_page_each_key_once_oldest_first_and_ties_too(
    alice: User, bob: User, database: DatabaseUrls
) -> None:
    created = [await alice.create(f"key {number}") for number in range(11)]
    foreign = await bob.create("not Alice's")
    same = [key.id for key in created[3:8]]
    with psycopg.connect(database.worker, autocommit=True) as worker:
        worker.execute(
            "UPDATE keys SET created_at = '2020-01-01T00:00:00.123456Z' WHERE id = ANY(%s::uuid[])",
            [same],
        )

    seen: list[str] = []
    cursor, pages = "", 0
    while cursor or not pages:
        page = await alice.list(limit=2, cursor=cursor, count=True)
        assert page.total == 11
        seen += [key.id for key in page.items]
        cursor, pages = page.next_cursor, pages + 1

    assert seen == [*same, *(key.id for key in created if key.id not in same)]
    assert foreign.id not in seen
    assert (await alice.resolve()).id == same[0]
    assert not (await alice.list()).HasField("total")


@pytest.mark.parametrize("limit", [-1, 101])
async def test_a_limit_outside_its_bounds_is_refused(alice: User, limit: int) -> None:
    with pytest.raises(RemoteError) as refused:
        await alice.list(limit=limit)
    expected = (
        FieldError("limit", "TOO_SMALL", minimum=1)
        if limit < 1
        else FieldError("limit", "TOO_LARGE", maximum=100)
    )
    assert refused.value.fields == (expected,)


async def test_a_cursor_that_is_none_is_refused(alice: User) -> None:
    for cursor in ("nonsense", "\x00"):
        with pytest.raises(RemoteError) as refused:
            await alice.list(cursor=cursor)
        assert refused.value.fields == (FieldError("cursor", "INVALID"),)
