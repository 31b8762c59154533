"""Testing a connection against real servers: whether it works, why not, and what would have."""

import asyncio
import socket
from typing import Any
from uuid import UUID

import pytest

from chassis.caller import Caller
from chassis.db.engine import Database
from chassis.db.transactions import transactions
from chassis.testing import ModelServer
from chat_service.connections.domain.errors import TooManyTests
from chat_service.connections.domain.outcome import Outcome, Suggestion
from chat_service.connections.usecases.limit import TrialLimit
from chat_service.connections.usecases.models import list_models
from chat_service.connections.usecases.trial import ConnectionTest, Patience
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.model import Model
from chat_service.providers.errors import ProviderError
from chat_service.usage.usecases.meter import Meter
from chat_service.words.domain.word_filter import Action, InForce, Rule, WordFilter, no_words

SHIPPED = Patience()
# Of connections that nobody else pays for it is not asked.
UNUSED = Meter(
    transactions(Database("postgresql://nobody@127.0.0.1:1/nowhere", application_name="test"))
)


async def tried(
    servers: Any,
    caller: Caller,
    connection: Connection,
    patience: Patience = SHIPPED,
    in_force: InForce = no_words,
) -> Outcome:
    async def connect() -> Connection:
        return connection

    test = ConnectionTest(servers, TrialLimit(), UNUSED, patience, in_force)
    return await test(caller, connect)


async def test_a_connection_that_begins_to_answer_works(
    servers: Any, caller: Caller, connect: Any, model_server: ModelServer
) -> None:
    outcome = await tried(servers, caller, connect(model_server.base_url))
    assert (outcome.ok, outcome.reason, outcome.suggestion) == (True, None, None)
    assert outcome.latency_ms >= 0


async def test_the_question_is_tiny_and_nothing_more_of_the_answer_is_read(
    servers: Any, caller: Caller, connect: Any, model_server: ModelServer
) -> None:
    assert (await tried(servers, caller, connect(model_server.base_url, model="endless"))).ok
    request = model_server.counters()["last_request"]
    assert request["parameters"]["max_tokens"] == 16
    assert request["messages"] == 1


async def test_a_key_that_is_not_accepted_is_said_without_the_key(
    servers: Any, caller: Caller, connect: Any, model_server: ModelServer
) -> None:
    connection = connect(model_server.base_url, model="status-401")
    outcome = await tried(servers, caller, connection)
    assert (outcome.reason, outcome.suggestion) == ("PROVIDER_UNAUTHORIZED", None)
    assert outcome.detail
    assert "Incorrect API key provided" in outcome.provider_message
    assert "canary" not in outcome.provider_message
    words = WordFilter([Rule("incorrect", Action.REFUSE)])
    outcome = await tried(servers, caller, connection, in_force=lambda: words)
    assert "＊＊＊ API key provided" in outcome.provider_message


@pytest.mark.parametrize(
    ("typed", "right"),
    [("", "/v1"), ("/v1/v1", "/v1"), ("/api", "/api/v1"), ("/v1", "")],
)
async def test_a_version_that_is_missing_or_too_much_is_found(
    servers: Any, caller: Caller, connect: Any, told: Any, typed: str, right: str
) -> None:
    told.answers(f"{right}/chat/completions")
    outcome = await tried(servers, caller, connect(told.url + typed))
    assert not outcome.ok
    assert outcome.suggestion == Suggestion(base_url=told.url + right)


async def test_nothing_is_suggested_where_nothing_answers(
    servers: Any, caller: Caller, connect: Any, told: Any
) -> None:
    outcome = await tried(servers, caller, connect(told.url))
    assert (outcome.ok, outcome.suggestion) == (False, None)
    # The connection itself, and at most eight that may have been meant.
    assert 1 < told.connections <= 9


async def test_a_model_that_there_is_not_is_no_reason_to_look_elsewhere(
    servers: Any, caller: Caller, connect: Any, told: Any
) -> None:
    told.pages["/v1/chat/completions"] = (429, "application/json", b'{"error":{"message":"slow"}}')
    outcome = await tried(servers, caller, connect(f"{told.url}/v1"))
    assert (outcome.reason, outcome.suggestion) == ("PROVIDER_RATE_LIMITED", None)
    assert len(told.asked) == 1


async def test_plain_http_is_found_on_a_host_that_the_operator_opened(
    servers: Any, caller: Caller, connect: Any, told: Any
) -> None:
    told.answers("/v1/chat/completions")
    outcome = await tried(servers, caller, connect(f"https://127.0.0.1:{told.port}/v1"))
    assert outcome.suggestion == Suggestion(base_url=f"http://127.0.0.1:{told.port}/v1")


async def test_an_operators_connection_is_not_looked_for_elsewhere(
    servers: Any, caller: Caller, connect: Any, told: Any
) -> None:
    told.answers("/v1/chat/completions")
    outcome = await tried(servers, caller, connect(told.url, owner="operator"))
    assert (outcome.ok, outcome.suggestion) == (False, None)


async def test_a_server_that_never_answers_is_given_up_and_so_is_what_may_have_been_meant(
    servers: Any, caller: Caller, connect: Any
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        async with asyncio.timeout(30):
            outcome = await tried(servers, caller, connect(url), Patience(0.2, 0.2))
    assert (outcome.reason, outcome.suggestion) == ("FIRST_TOKEN_TIMEOUT", None)
    assert outcome.latency_ms >= 200


def test_all_of_it_takes_twenty_seconds_at_most() -> None:
    assert SHIPPED.first + SHIPPED.others <= 20


async def test_who_tries_too_often_has_to_wait_and_nobody_else_has(
    servers: Any, caller: Caller, stranger: Caller, connect: Any, model_server: ModelServer
) -> None:
    limit = TrialLimit(most=2)
    test = ConnectionTest(servers, limit, UNUSED)

    async def there() -> Connection:
        connection: Connection = connect(model_server.base_url)
        return connection

    async def resolve(key_id: UUID | None) -> Connection:
        return await there()

    assert (await test(caller, there)).ok
    assert await list_models(resolve, servers, limit, caller, connect("http://h").key_id)
    with pytest.raises(TooManyTests) as refused:
        await test(caller, there)
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 61
    assert (await test(stranger, there)).ok


# Lists


async def test_the_models_of_openais_protocol_are_listed(
    servers: Any, connect: Any, told: Any
) -> None:
    told.lists("/v1/models?v=1", b'{"data":[{"id":"b"},{"id":"a","context_length":5}]}')
    models = await servers.models(connect(f"{told.url}/v1?v=1"))
    assert models == (Model("a", 5), Model("b"))
    path, headers = told.asked[0]
    assert (path, headers["authorization"]) == ("/v1/models?v=1", "bearer sk-very-secret-canary")


@pytest.mark.parametrize("base", ["", "/v1"])
async def test_anthropics_models_come_in_pages(
    servers: Any, connect: Any, told: Any, base: str
) -> None:
    first = b'{"data":[{"id":"b","max_tokens":9}],"has_more":true,"last_id":"b"}'
    told.lists("/v1/models?limit=1000", first)
    told.lists("/v1/models?limit=1000&after_id=b", b'{"data":[{"id":"a"}],"has_more":false}')
    models = await servers.models(connect(told.url + base, "anthropic"))
    assert models == (Model("a"), Model("b", None, 9))
    assert told.asked[0][1]["x-api-key"] == "sk-very-secret-canary"
    assert "authorization" not in told.asked[0][1]


async def test_pages_that_go_round_in_a_circle_end(servers: Any, connect: Any, told: Any) -> None:
    page = b'{"data":[{"id":"b"}],"has_more":true,"last_id":"b"}'
    told.lists("/v1/models?limit=1000", page)
    told.lists("/v1/models?limit=1000&after_id=b", page)
    assert await servers.models(connect(told.url, "anthropic")) == (Model("b"),)
    assert len(told.asked) == 2


async def test_a_list_of_more_than_a_megabyte_is_not_read(
    servers: Any, connect: Any, told: Any
) -> None:
    told.lists("/v1/models", b'{"data":[' + b" " * (1024 * 1024) + b"]}")
    with pytest.raises(ProviderError) as refused:
        await servers.models(connect(f"{told.url}/v1"))
    assert refused.value.reason == "PROVIDER_GARBLED"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "PROVIDER_UNAUTHORIZED"), (429, "PROVIDER_RATE_LIMITED"), (302, "PROVIDER_REDIRECTED")],
)
async def test_a_list_that_is_refused_says_why(
    servers: Any, connect: Any, told: Any, status: int, reason: str
) -> None:
    told.lists("/v1/models", b"{}", status)
    with pytest.raises(ProviderError) as refused:
        await servers.models(connect(f"{told.url}/v1"))
    assert refused.value.reason == reason


async def test_an_operators_connection_lists_what_it_is_open_for_and_asks_nobody(
    servers: Any, caller: Caller, connect: Any, told: Any
) -> None:
    async def resolve(key_id: UUID | None) -> Connection:
        connection: Connection = connect(told.url, owner="operator", models=("b", "a"))
        return connection

    found = await list_models(resolve, servers, TrialLimit(), caller, connect("http://h").key_id)
    assert found == (Model("a"), Model("b"))
    assert told.connections == 0


async def test_a_model_that_thinks_until_its_tokens_are_used_up_has_begun_to_answer(
    servers: Any, caller: Caller, connect: Any, told: Any
) -> None:
    said = (
        b'{"error":{"message":"Could not finish the message because max_tokens or model output limit'
        b' was reached. Please try again with higher max_tokens.","type":"invalid_request_error"}}'
    )
    told.pages["/v1/chat/completions"] = (400, "application/json", said)
    assert (await tried(servers, caller, connect(f"{told.url}/v1"))).ok


async def test_when_another_try_may_help_is_handed_on(
    servers: Any, caller: Caller, connect: Any, told: Any
) -> None:
    said = b'{"error":{"message":"Rate limit reached. Please try again in 7s."}}'
    told.pages["/v1/chat/completions"] = (429, "application/json", said)
    outcome = await tried(servers, caller, connect(f"{told.url}/v1"))
    assert (outcome.reason, outcome.retry_after) == ("PROVIDER_RATE_LIMITED", 7)


async def test_a_connections_own_header_takes_the_keys_place_no_more_in_a_list_than_in_a_question(
    servers: Any, connect: Any, told: Any
) -> None:
    told.lists("/v1/models?limit=1000", b'{"data":[{"id":"m"}]}')
    headers = (("X-Api-Key", "another"), ("anthropic-version", "2026-10-21"))
    connection = connect(told.url, "anthropic", headers=headers)
    assert await servers.models(connection) == (Model("m"),)
    ((_, sent),) = told.asked
    assert (sent["x-api-key"], sent["anthropic-version"]) == (connection.api_key, "2026-10-21")
