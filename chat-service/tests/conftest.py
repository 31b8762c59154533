"""A chat database of each test's own with the use cases over it; the whole service on the wire."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import grpc
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text

from chassis.address_policy import AddressPolicy
from chassis.caller import Caller
from chassis.db.engine import Database, Scope
from chassis.db.errors import DatabaseUnavailable
from chassis.db.transactions import OpenTransaction, Owned, transactions
from chassis.embedded import free_port
from chassis.errors import FieldError, RemoteError, ValidationFailed
from chassis.grpc.caller import TokenVerifier, current_caller
from chassis.grpc.client import Channel
from chassis.grpc.server import GrpcServer, allow
from chassis.idempotency import RequestKey
from chassis.ids import new_id
from chassis.jetstream import JetStream
from chassis.service import Service
from chassis.settings import GrpcServerSettings
from chassis.testing import (
    DatabaseUrls,
    ModelServer,
    OpenChannel,
    ServiceDatabase,
    Signer,
    TlsSettings,
    eventually,
)
from chat_service.answer.domain.ending import Ending, RunStatus, Usage
from chat_service.conversations.domain.message import Message
from chat_service.conversations.domain.session import Session
from chat_service.conversations.usecases.messages import list_messages
from chat_service.conversations.usecases.sessions import create_session, get_session
from chat_service.migrations import MIGRATIONS
from chat_service.notices.domain.notice import Notice
from chat_service.prompt.room import ContextWindow
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.errors import KeyNotFound
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.runs.domain.admission import AcceptedRun, Prepare, Question
from chat_service.runs.domain.limits import Limits
from chat_service.runs.domain.run import Run
from chat_service.runs.store.ending_statements import END_RUN
from chat_service.runs.store.turns import Turns
from chat_service.runs.store.values import of_answer
from chat_service.runs.usecases.accept import accept_run
from chat_service.runs.usecases.beginning import RunMeans
from chat_service.runs.usecases.finish import finish_run
from chat_service.runs.usecases.generator import Generator
from chat_service.settings import Settings
from chat_service.usage.domain.rules import NO_RULES, GivenRules, Rules, RulesInForce
from chat_service.usage.domain.spent import Cost, Tokens
from chat_service.wiring import build
from parley.apikey.v1 import apikey_pb2
from parley.auth.v1 import auth_pb2
from parley.chat.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    files_pb2,
    files_pb2_grpc,
    personas_pb2_grpc,
    search_pb2_grpc,
    shares_pb2_grpc,
    usage_pb2_grpc,
    user_settings_pb2,
    user_settings_pb2_grpc,
)
from parley.events.rights import CONSUMES, user_erased_by
from parley.generation.v1 import generation_pb2
from servicekit.erasure import Erasing
from servicekit.generation_parameters import GenerationParameters

CONNECTION = Connection(
    key_id=new_id(),
    name="mine",
    api_key="sk-secret",
    model="model-of-the-connection",
    base_url="https://example.com/v1",
    provider="openai",
)
ENDING = Ending(
    status=RunStatus.COMPLETED,
    reason=None,
    finish_reason="stop",
    text="an answer",
    reasoning="",
    usage=Usage(prompt_tokens=3, completion_tokens=2),
    last_seq=5,
)
WINDOW = ContextWindow(pairs=10, characters=1000)
LIMITS = Limits()
PARAMETERS = GenerationParameters(temperature=0.7, max_tokens=100)


@dataclass(frozen=True)
class Chat:
    """The use cases of one database, with everything that a test does not care about filled in."""

    urls: DatabaseUrls
    app: Database
    worker: Database
    turns: Turns
    open_transaction: OpenTransaction
    connection: Connection = CONNECTION
    ending: Ending = ENDING
    rules: RulesInForce = NO_RULES

    def under(self, rules: Rules) -> "Chat":
        """The same, where an operator has said this of usage."""
        given = GivenRules(rules)
        return replace(self, rules=given, turns=Turns(self.app, rules=given))

    async def resolve_key(self, key_id: UUID | None) -> Connection:
        return self.connection

    def means(self, generator: Generator, **changes: Any) -> RunMeans:
        """What a run begins with here, but for `changes`."""
        means = RunMeans(
            self.open_transaction,
            self.resolve_key,
            generator,
            owner="replica-1",
            window=WINDOW,
            limits=LIMITS,
            rules=self.rules,
        )
        return replace(means, **changes)

    def erasing(self, whose: Owned) -> Erasing:
        return Erasing(self.worker, Scope(tenant_id=whose.tenant_id, user_id=whose.user_id))

    async def session(
        self,
        caller: Caller,
        title: str = "",
        key_id: UUID | None = None,
        model: str | None = None,
    ) -> Session:
        return await create_session(
            self.open_transaction,
            self.resolve_key,
            caller,
            title=title,
            key_id=key_id,
            model=model,
        )

    async def accept(
        self,
        caller: Caller,
        session_id: UUID | None,
        content: str = "a question",
        *,
        key_id: UUID | None = None,
        model: str | None = None,
        window: ContextWindow = WINDOW,
        guessed_key_id: UUID | None = None,
        request: RequestKey | None = None,
        limits: Limits = LIMITS,
        parameters: GenerationParameters = PARAMETERS,
    ) -> AcceptedRun:
        return await accept_run(
            self.means(Generations(), window=window, limits=limits),
            self.turns,
            caller,
            Question(session_id, content, key_id, model, parameters, request),
            self.connection,
            guessed_key_id=guessed_key_id,
        )

    async def finish(self, run: Run, ending: Ending = ENDING) -> bool:
        return await finish_run(self.turns, run, ending)

    @asynccontextmanager
    async def finishing(self, run: Run, ending: Ending = ENDING) -> AsyncIterator[None]:
        """The end of a run that is stored, and not committed before the block ends."""
        async with self.app.transaction(Scope(run.tenant_id, run.user_id)) as connection:
            values = of_answer(run, ending, run.created_at, Tokens(3, 2), Cost())
            assert await END_RUN.run(connection, **values) == 1
            yield

    async def turn(self, caller: Caller, session_id: UUID, content: str = "a question") -> Run:
        accepted = await self.accept(caller, session_id, content)
        assert await self.finish(accepted.run)
        return accepted.run

    async def messages(self, caller: Caller, session_id: UUID) -> list[Message]:
        page = await list_messages(
            self.open_transaction,
            caller,
            session_id,
            limit=100,
            cursor="",
            count=False,
            descending=False,
        )
        return list(page.items)

    async def read_session(self, caller: Caller, session_id: UUID) -> Session:
        return await get_session(self.open_transaction, caller, session_id)

    @asynccontextmanager
    async def holding(self, session_id: UUID) -> AsyncIterator[None]:
        """Keeps a session's row locked for the block."""
        query = text("SELECT id FROM sessions WHERE id = :id FOR UPDATE")
        async with self.worker.transaction() as connection:
            assert (await connection.execute(query, {"id": session_id})).all()
            yield

    async def somebody_waits(self) -> None:
        """Returns once a transaction waits for another's lock."""
        query = text(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )

        async def waiting() -> bool:
            async with self.worker.transaction() as connection:
                return bool(await connection.scalar(query))

        await eventually(waiting)


@pytest_asyncio.fixture
async def chat(service_database: ServiceDatabase) -> AsyncIterator[Chat]:
    urls = service_database("chat", MIGRATIONS)
    # Fifty at once on a busy machine wait for their turn: what is busy is tested elsewhere.
    patience = {"wait_seconds": 60.0, "lock_seconds": 60.0, "statement_seconds": 60.0}
    app = Database(urls.app, pool_size=8, application_name="test", **patience)
    worker = Database(urls.worker, pool_size=2, application_name="test worker")
    await app.start()
    await worker.start()
    yield Chat(urls, app, worker, Turns(app), transactions(app))
    await worker.stop()
    await app.stop()


@pytest.fixture
def no_database() -> OpenTransaction:
    """Transactions on a database that is away."""
    url = f"postgresql://nobody:nothing@127.0.0.1:{free_port()}/nowhere"
    return transactions(Database(url, application_name="test"))


@pytest.fixture
def caller(signer: Signer) -> Caller:
    return signer.caller()


@pytest.fixture
def stranger(signer: Signer, caller: Caller) -> Caller:
    """Somebody else of the same tenant."""
    return signer.caller(tenant_id=caller.tenant_id)


@dataclass(frozen=True)
class Begun:
    """A generation as it was begun."""

    run: Run
    connection: Connection
    prompt: list[tuple[str, str]]
    prefix: str
    # What makes it, of one for which files have to be read.
    prepare: Prepare | None = None


class Generations:
    """Takes runs and generates nothing: the port, with a note of what it took."""

    def __init__(self) -> None:
        self.draining = False
        self.begun: list[Begun] = []
        # What was told of what began.
        self.told: list[Notice] = []

    def begin(
        self,
        run: Run,
        connection: Connection,
        prompt: Sequence[PromptMessage] | Prepare,
        prefix: str = "",
        wishes: GenerationParameters | None = None,
    ) -> None:
        if callable(prompt):
            self.begun.append(Begun(run, connection, [], prefix, prompt))
            return
        said = [(message.role, message.content) for message in prompt]
        self.begun.append(Begun(run, connection, said, prefix))


@pytest.fixture
def generations() -> Generations:
    return Generations()


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[ModelClient]:
    """Asks model servers on this machine."""
    provider = ModelClient(AddressPolicy(["127.0.0.0/8"]), streams=10, per_host=10)
    await provider.start()
    yield provider
    await provider.stop()


@dataclass
class Vault:
    """apikey-service, as far as chat-service sees it: one key for each user who has one."""

    base_url: str
    keys: dict[UUID, str] = field(default_factory=dict)
    model: str = "tokens-20"
    provider: apikey_pb2.Provider.ValueType = apikey_pb2.PROVIDER_OPENAI
    reports: list[apikey_pb2.ReportUseRequest] = field(default_factory=list)
    allowances: list[apikey_pb2.Allowance] = field(default_factory=list)

    async def list_allowances(
        self, request: apikey_pb2.ListAllowancesRequest, context: object
    ) -> apikey_pb2.ListAllowancesResponse:
        return apikey_pb2.ListAllowancesResponse(items=self.allowances)

    async def check(
        self, request: apikey_pb2.CheckKeyRequest, context: object
    ) -> apikey_pb2.CheckKeyResponse:
        key = request.key
        if not key.model:
            raise ValidationFailed(fields=[FieldError("model", "REQUIRED")])
        return apikey_pb2.CheckKeyResponse(
            connection=apikey_pb2.ResolveKeyResponse(
                id=str(new_id()),
                api_key=key.api_key,
                model=key.model,
                base_url=key.base_url,
                provider=key.provider or apikey_pb2.PROVIDER_OPENAI,
            )
        )

    async def report(
        self, request: apikey_pb2.ReportUseRequest, context: object
    ) -> apikey_pb2.ReportUseResponse:
        self.reports.append(request)
        return apikey_pb2.ReportUseResponse()

    async def resolve(
        self, request: apikey_pb2.ResolveKeyRequest, context: object
    ) -> apikey_pb2.ResolveKeyResponse:
        key_id = self.keys.setdefault(current_caller().user_id, str(new_id()))
        if request.HasField("id") and request.id != key_id:
            raise KeyNotFound()
        return apikey_pb2.ResolveKeyResponse(
            id=key_id,
            name="mine",
            api_key="sk-very-secret",
            model=self.model,
            base_url=self.base_url,
            provider=self.provider,
        )


@dataclass
class Preferences:
    """What auth-service tells of users' settings: the newest change of each."""

    changes: dict[UUID, auth_pb2.SettingsChange] = field(default_factory=dict)
    newest: int = 0
    # How it was asked: behind which number.
    asked: list[int] = field(default_factory=list)
    away: bool = False

    def set(self, caller: Caller, **fields: Any) -> int:
        """All that this user has set, from now on; returns the number of the change."""
        self.newest += 1
        self.changes[caller.user_id] = auth_pb2.SettingsChange(
            change=self.newest,
            user_id=str(caller.user_id),
            tenant_id=str(caller.tenant_id),
            **fields,
        )
        return self.newest

    async def list(
        self, request: auth_pb2.ListSettingsChangesRequest, context: object
    ) -> auth_pb2.ListSettingsChangesResponse:
        self.asked.append(request.after)
        if self.away:
            raise DatabaseUnavailable
        behind = [one for one in self.changes.values() if one.change > request.after]
        return auth_pb2.ListSettingsChangesResponse(
            items=sorted(behind, key=lambda one: one.change)[: request.limit], newest=self.newest
        )


@pytest.fixture
def preferences() -> Preferences:
    return Preferences()


@dataclass
class Audit:
    """What auth-service noted of admins who look at usage; `refusal` is what it says instead."""

    noted: list[tuple[UUID, auth_pb2.NoteUsageReadRequest]] = field(default_factory=list)
    refusal: Exception | None = None

    async def note(
        self, request: auth_pb2.NoteUsageReadRequest, context: object
    ) -> auth_pb2.NoteUsageReadResponse:
        if self.refusal is not None:
            raise self.refusal
        self.noted.append((current_caller().user_id, request))
        return auth_pb2.NoteUsageReadResponse(
            tenant_id=request.tenant_id if request.HasField("tenant_id") else None
        )


@pytest.fixture
def audit() -> Audit:
    return Audit()


@pytest_asyncio.fixture
async def auth_port(
    tls_settings: TlsSettings, signer: Signer, preferences: Preferences, audit: Audit
) -> AsyncIterator[int]:
    async def watch(
        request: auth_pb2.WatchRevocationsRequest, context: object
    ) -> AsyncIterator[auth_pb2.WatchRevocationsResponse]:
        key = auth_pb2.VerificationKey(kid=signer.kid, public_key=signer.public_key)
        yield auth_pb2.WatchRevocationsResponse(snapshot=True, keys=[key])
        await asyncio.Event().wait()

    handlers: dict[str, dict[str, Any]] = {
        "parley.auth.v1.AuthService": {
            "WatchRevocations": grpc.unary_stream_rpc_method_handler(
                watch,
                auth_pb2.WatchRevocationsRequest.FromString,
                auth_pb2.WatchRevocationsResponse.SerializeToString,
            ),
            "NoteUsageRead": grpc.unary_unary_rpc_method_handler(
                audit.note,
                auth_pb2.NoteUsageReadRequest.FromString,
                auth_pb2.NoteUsageReadResponse.SerializeToString,
            ),
        },
        "parley.auth.v1.SettingsService": {
            "ListSettingsChanges": grpc.unary_unary_rpc_method_handler(
                preferences.list,
                auth_pb2.ListSettingsChangesRequest.FromString,
                auth_pb2.ListSettingsChangesResponse.SerializeToString,
            )
        },
    }

    def register(server: grpc.aio.Server) -> None:
        for service, of_it in handlers.items():
            server.add_registered_method_handlers(service, of_it)

    server = GrpcServer(
        settings=GrpcServerSettings(**tls_settings("auth-service"), drain_seconds=0),
        policy={
            service: {name: allow("chat-service", open=name != "NoteUsageRead") for name in of_it}
            for service, of_it in handlers.items()
        },
        register=register,
        verifier=TokenVerifier(signer.trust),
    )
    await server.start()
    yield server.port
    await server.stop()


@pytest.fixture
def vault(model_server: ModelServer) -> Vault:
    return Vault(model_server.base_url)


@pytest_asyncio.fixture
async def vault_port(tls_settings: TlsSettings, signer: Signer, vault: Vault) -> AsyncIterator[int]:
    service = "parley.apikey.v1.ApiKeyService"
    handlers: dict[str, tuple[Any, Any]] = {
        "ResolveKey": (vault.resolve, apikey_pb2.ResolveKeyRequest),
        "CheckKey": (vault.check, apikey_pb2.CheckKeyRequest),
        "ReportUse": (vault.report, apikey_pb2.ReportUseRequest),
        "ListAllowances": (vault.list_allowances, apikey_pb2.ListAllowancesRequest),
    }
    server = GrpcServer(
        settings=GrpcServerSettings(**tls_settings("apikey-service"), drain_seconds=0),
        policy={service: dict.fromkeys(handlers, allow("chat-service", outlived=True))},
        register=lambda server: server.add_registered_method_handlers(
            service,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    handler, request.FromString, lambda answer: answer.SerializeToString()
                )
                for name, (handler, request) in handlers.items()
            },
        ),
        verifier=TokenVerifier(signer.trust),
    )
    await server.start()
    yield server.port
    await server.stop()


@pytest.fixture
def settings(
    tls_settings: TlsSettings,
    service_database: ServiceDatabase,
    auth_port: int,
    vault_port: int,
    redis_url: str,
    redis_prefix: str,
    nats_url_of: Callable[[str], str],
    events_prefix: str,
) -> Settings:
    urls = service_database("chat", MIGRATIONS)
    return Settings(
        **tls_settings("chat-service"),
        grpc_port=free_port(),
        drain_seconds=5.5,
        database_url=SecretStr(urls.app),
        worker_database_url=SecretStr(urls.worker),
        owner_database_url=SecretStr(urls.owner),
        nats_url=SecretStr(nats_url_of("chat-service")),
        events_prefix=events_prefix,
        redis_url=SecretStr(redis_url),
        redis_prefix=redis_prefix,
        auth_target=f"127.0.0.1:{auth_port}",
        apikey_target=f"127.0.0.1:{vault_port}",
        allowed_hosts=("127.0.0.0/8",),
    )


@pytest_asyncio.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    service = build(settings)
    await service.start()
    yield service
    await service.stop()


def asking(
    content: str = "hello",
    *,
    session_id: str | None = None,
    key_id: str | None = None,
    **parameters: Any,
) -> chat_pb2.StartRunRequest:
    return chat_pb2.StartRunRequest(
        session_id=session_id,
        content=content,
        key_id=key_id,
        parameters=generation_pb2.GenerationParameters(**parameters),
    )


class Client:
    """The gateway's side of the wire, for one user."""

    def __init__(self, channel: Channel, caller: Caller) -> None:
        self._channel = channel
        self._caller = caller
        self._token = caller.token
        self.user_id = caller.user_id
        self.sessions = channel.stub(chat_pb2_grpc.SessionServiceStub)
        self.runs = channel.stub(chat_pb2_grpc.RunServiceStub)
        self.frames = channel.stub(chat_pb2_grpc.FrameServiceStub)
        self.notices = channel.stub(chat_pb2_grpc.NoticeServiceStub)
        self.providers = channel.stub(chat_pb2_grpc.ProviderServiceStub)
        self.personas = channel.stub(personas_pb2_grpc.PersonaServiceStub)
        self.files = channel.stub(files_pb2_grpc.FileServiceStub)
        self.search = channel.stub(search_pb2_grpc.SearchServiceStub)
        self.usage = channel.stub(usage_pb2_grpc.UsageServiceStub)
        self.shares = channel.stub(shares_pb2_grpc.ShareServiceStub)
        self.user_settings = channel.stub(user_settings_pb2_grpc.UserSettingsServiceStub)

    def over(self, channel: Channel) -> "Client":
        """The same user on another channel."""
        return Client(channel, self._caller)

    async def call(self, method: str, request: Any, key: str | None = None) -> Any:
        return await self._channel.unary(
            next(
                found
                for stub in (
                    self.runs,
                    self.sessions,
                    self.providers,
                    self.personas,
                    self.search,
                    self.usage,
                    self.shares,
                    self.files,
                    self.user_settings,
                )
                if (found := getattr(stub, method, None)) is not None
            ),
            request,
            timeout=30,
            token=self._token,
            idempotency_key=key,
        )

    async def begin(
        self,
        request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest,
        key: str | None = None,
    ) -> chat_pb2.RunAccepted:
        """Begins a new run, or one that goes on with another."""
        begins = isinstance(request, chat_pb2.StartRunRequest)
        answer = await self.call("StartRun" if begins else "ContinueRun", request, key)
        accepted: chat_pb2.RunAccepted = answer.accepted
        return accepted

    @asynccontextmanager
    async def start(
        self,
        request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest,
        key: str | None = None,
    ) -> AsyncIterator[tuple[chat_pb2.RunAccepted, AsyncIterator[chat_pb2.FollowRunResponse]]]:
        """Begins a run, and follows it for as long as the block lasts."""
        accepted = await self.begin(request, key)
        follow = chat_pb2.FollowRunRequest(run_id=accepted.run_id)
        stream = self._channel.stream(self.frames.FollowRun, follow, token=self._token)
        async with aclosing(stream) as responses:
            yield accepted, responses

    async def take_settings(self) -> None:
        """As the gateway, when they have changed."""
        await self.call("TakeUserSettings", user_settings_pb2.TakeUserSettingsRequest())

    async def ask(
        self, content: str = "hello", *, key: str | None = None, **question: Any
    ) -> tuple[chat_pb2.RunAccepted, list[chat_pb2.Frame]]:
        """Sends a question and reads its run to the end."""
        return await self.read(asking(content, **question), key)

    async def go_on(
        self, run_id: str, key: str | None = None
    ) -> tuple[chat_pb2.RunAccepted, list[chat_pb2.Frame]]:
        """Continues a run and reads the new one to the end."""
        return await self.read(chat_pb2.ContinueRunRequest(run_id=run_id), key)

    async def read(
        self, request: chat_pb2.StartRunRequest | chat_pb2.ContinueRunRequest, key: str | None
    ) -> tuple[chat_pb2.RunAccepted, list[chat_pb2.Frame]]:
        accepted = await self.begin(request, key)
        return accepted, await self.follow(accepted.run_id)

    def watch(
        self, after: str | None = None
    ) -> AbstractAsyncContextManager[AsyncGenerator[chat_pb2.WatchNoticesResponse, None]]:
        """The user's notices, for as long as the block lasts."""
        request = chat_pb2.WatchNoticesRequest(after=after)
        return aclosing(self._channel.stream(self.notices.WatchNotices, request, token=self._token))

    async def upload(self, *requests: Any, key: str | None = None) -> Any:
        """The file that these requests make."""

        async def each() -> AsyncGenerator[Any, None]:
            for request in requests:
                yield request

        answer = await self._channel.send(
            self.files.UploadFile, each(), token=self._token, idempotency_key=key
        )
        return answer.file

    async def read_file(self, file_id: str, **part: int) -> tuple[Any, bytes]:
        """A file, and what was asked for of its content."""
        request = files_pb2.ReadFileRequest(id=file_id, **part)
        stream = self._channel.stream(self.files.ReadFile, request, token=self._token)
        async with aclosing(stream) as responses:
            first = await anext(responses)
            return first.file, b"".join([response.chunk async for response in responses])

    async def follow(self, run_id: str, after: int = 0) -> list[chat_pb2.Frame]:
        request = chat_pb2.FollowRunRequest(run_id=run_id, after=after)
        frames: list[chat_pb2.Frame] = []
        stream = self._channel.stream(self.frames.FollowRun, request, token=self._token)
        async with aclosing(stream) as responses:
            async for response in responses:
                frames += response.frames
        return frames


@pytest_asyncio.fixture
async def channel(
    service: Service, settings: Settings, grpc_channel: OpenChannel, caller: Caller
) -> Channel:
    channel = await grpc_channel(settings.grpc_port, "chat-service")
    client = Client(channel, caller)

    # The keys that verify tokens arrive over the watch, a moment after the start.
    async def ready() -> bool:
        await client.call("ListSessions", chat_pb2.ListSessionsRequest())
        return True

    await eventually(ready, ignoring=(RemoteError,))
    return channel


@pytest.fixture
def client(channel: Channel, caller: Caller) -> Client:
    return Client(channel, caller)


@pytest.fixture
def client_over(caller: Caller) -> Callable[[Channel], Client]:
    """The user over a channel to a service that the test has started itself."""
    return lambda channel: Client(channel, caller)


@pytest_asyncio.fixture
async def client_elsewhere(
    client: Client, settings: Settings, grpc_channel: OpenChannel
) -> AsyncIterator[Client]:
    """The same user at a second replica of the service."""
    service = build(settings.model_copy(update={"grpc_port": (port := free_port())}))
    await service.start()
    elsewhere = client.over(await grpc_channel(port, "chat-service"))

    async def ready() -> bool:
        await elsewhere.call("ListSessions", chat_pb2.ListSessionsRequest())
        return True

    await eventually(ready, ignoring=(RemoteError,))
    yield elsewhere
    await service.stop()


@pytest_asyncio.fixture
async def events(nats_url: str, events_prefix: str) -> AsyncIterator[JetStream]:
    """The same JetStream, as the other services see it."""
    keeps = {**CONSUMES["chat-service"], "tester": user_erased_by("chat-service")}
    stream = JetStream(nats_url, prefix=events_prefix, name="tester", keeps=keeps)
    await stream.start()
    await stream.wait_ready()
    yield stream
    await stream.stop()


@pytest.fixture
def strange_client(channel: Channel, stranger: Caller) -> Client:
    return Client(channel, stranger)
