"""What the vault answers, as a run has it."""

from chassis.ids import new_id
from chat_service.apikeys import connection_of
from chat_service.providers.domain.connection import Connection, Learnt
from parley.apikey.v1 import apikey_pb2
from parley.generation.v1 import generation_pb2
from servicekit.generation_parameters import GenerationParameters


def test_everything_that_the_vault_answers_is_known_of_the_connection() -> None:
    key_id, fallback = new_id(), new_id()
    answer = apikey_pb2.ResolveKeyResponse(
        id=str(key_id),
        name="House",
        api_key="sk-secret",
        model="large",
        base_url="https://a.example/v1?api-version=1",
        provider=apikey_pb2.PROVIDER_ANTHROPIC,
        parameters=generation_pb2.GenerationParameters(temperature=0, max_tokens=9),
        headers=[apikey_pb2.Header(name="api-key", value="v")],
        fallback_key_id=str(fallback),
        owner=apikey_pb2.OWNER_OPERATOR,
        daily_tokens=5,
        has_error=True,
        learnt=[apikey_pb2.Learnt(model="large", parameter="max_tokens", use="max_out")],
        models=["large", "small"],
    )
    connection = connection_of(answer)
    assert connection == Connection(
        key_id=key_id,
        name="House",
        api_key="sk-secret",
        model="large",
        base_url="https://a.example/v1?api-version=1",
        provider="anthropic",
        headers=(("api-key", "v"),),
        parameters=GenerationParameters(temperature=0, max_tokens=9),
        fallback_key_id=fallback,
        owner="operator",
        models=("large", "small"),
        daily_tokens=5,
        has_error=True,
        learnt=(Learnt("large", "max_tokens", "max_out"),),
    )
    assert "sk-secret" not in repr(connection)
    assert "api-key" not in repr(connection)


def test_an_answer_of_the_version_before_says_nothing_more_than_it_did() -> None:
    key_id = new_id()
    answer = apikey_pb2.ResolveKeyResponse(
        id=str(key_id), name="n", api_key="k", model="m", base_url="https://a.example",
        provider=apikey_pb2.PROVIDER_OPENAI,
    )  # fmt: skip
    assert connection_of(answer) == Connection(key_id, "n", "k", "m", "https://a.example", "openai")
