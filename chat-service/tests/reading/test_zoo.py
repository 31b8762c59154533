"""What model servers do, in each of its kinds, comes to the right outcome."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
import pytest_asyncio

from chassis.address_policy import AddressPolicy
from chassis.ids import new_id
from chassis.testing import collector_at_rest
from chat_service.answer.domain.ending import known_finish_reason
from chat_service.providers.client import ModelClient
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.prompt_message import PromptMessage
from chat_service.providers.errors import ProviderError
from chat_service.providers.patience import ServerPatience
from chat_service.providers.port import Piece
from chat_service.streaming.write.verdict import Verdict, verdict_of_end, verdict_of_error
from parley_local.model_server.server import ModelServer
from parley_local.model_server.steps import Script
from servicekit.generation_parameters import GenerationParameters

from . import charsets, failures, framing, messages, shapes, zoo
from .zoo import Case, Outcome

KEY = "sk-secret-key-of-a-test"
KINDS = zoo.KINDS | framing.KINDS | charsets.KINDS | shapes.KINDS | failures.KINDS | messages.KINDS
CASES = [
    pytest.param(case, id=f"{kind}: {case.name[:60]}")
    for kind, cases in KINDS.items()
    for case in cases
]


async def read(provider: ModelClient, case: Case) -> tuple[list[Piece], ProviderError | None]:
    server = ModelServer(scripts={"zoo": Script(case.acts)})
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server.connection, "127.0.0.1", 0)
    base_url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1"
    connection = Connection(new_id(), "x", KEY, "zoo", base_url, case.provider)

    async def next_read(*_: object) -> None:
        """Each read is made at once."""

    pieces: list[Piece] = []
    stream = provider.stream(
        connection,
        [PromptMessage("user", "hello")],
        model="zoo",
        # Else servers of the other protocol would be asked first how long an answer may be.
        parameters=GenerationParameters(max_tokens=100),
        next_read=next_read,
    )
    try:
        async with listener, aclosing(stream):
            async for piece in stream:
                pieces.append(piece)  # noqa: PERF401 - what came before an error counts
    except ProviderError as error:
        return pieces, error
    return pieces, None


def outcome_of(pieces: list[Piece], error: ProviderError | None) -> tuple[Outcome, Verdict]:
    text = "".join(piece.text for piece in pieces)
    thinking = "".join(piece.thinking for piece in pieces)
    words = [piece.finish_reason for piece in pieces if piece.finish_reason is not None]
    usages = [piece.usage for piece in pieces if piece.usage is not None]
    finish = known_finish_reason(words[-1]) if words else None
    if error is not None:
        verdict = verdict_of_error(error)
    else:
        assert pieces[-1].end is not None
        assert not any(piece.end for piece in pieces[:-1])
        verdict = verdict_of_end(
            pieces[-1].end,
            finish,
            has_text=bool(text.strip()),
            has_thinking=bool(thinking),
        )
    usage = (usages[-1].prompt_tokens, usages[-1].completion_tokens) if usages else None
    retry_after = verdict.told.get("retry_after")
    told = Outcome(
        text, thinking, verdict.status.value, verdict.reason, finish, usage, "", retry_after
    )
    return told, verdict


@pytest_asyncio.fixture
async def hasty() -> AsyncIterator[ModelClient]:
    """Asks model servers on this machine, and waits less for what comes behind their answers."""
    provider = ModelClient(
        AddressPolicy(["127.0.0.0/8"]), streams=10, per_host=10, patience=ServerPatience(grace=0.15)
    )
    await provider.start()
    yield provider
    await provider.stop()


@pytest.mark.parametrize("case", CASES)
async def test_a_model_server_is_read_by_what_it_does(hasty: ModelClient, case: Case) -> None:
    outcome, verdict = outcome_of(*await asyncio.wait_for(read(hasty, case), 30))
    expected = case.outcome
    says, told = expected.says, f"{verdict.detail} {verdict.told.get('provider_message', '')}"
    assert outcome == Outcome(**{**vars(expected), "says": ""})
    assert says in told
    assert KEY not in told


FAILING = [
    *(case for case in zoo.ERRORS if case.name in ("an object", "as broken JSON")),
    *(case for case in zoo.BODIES if case.name in ("a page", "nothing", "half a document", "brotli")),
]  # fmt: skip


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.name)
async def test_an_answer_that_fails_leaves_nothing_to_the_garbage_collector(
    provider: ModelClient, case: Case
) -> None:
    await read(provider, case)
    with collector_at_rest():
        answers = [weakref.ref((await read(provider, case))[1]) for _ in range(3)]
        assert [answer() for answer in answers] == [None] * 3


def test_there_are_as_many_behaviours_as_were_met() -> None:
    assert len(CASES) >= 1000
    assert all(len(cases) >= 10 for cases in KINDS.values())
