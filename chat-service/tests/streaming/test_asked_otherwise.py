"""Runs whose model servers speak Anthropic's protocol, or refuse what they were asked for."""

from typing import Any

import orjson
import pytest

from chassis.caller import Caller
from chassis.testing import ModelServer, eventually
from chat_service.answer.domain.ending import Adapted, RunStatus
from chat_service.answer.domain.reducer import Answer, replay
from chat_service.providers.domain.connection import Learnt
from parley_local.model_server.texts import reasoning_of, text_of
from servicekit.generation_parameters import GenerationParameters


async def test_a_run_is_answered_by_anthropics_protocol_and_saved(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    asked = GenerationParameters(reasoning_effort="high")
    run = (
        await rig.ask(caller, model_server, "reasoning-60", provider="anthropic", parameters=asked)
    ).run
    frames = await rig.follow(run)
    assert rig.joined(frames) == text_of("reasoning-60")
    ended = (await rig.ended(run)).run
    assert (ended.status, ended.finish_reason) == (RunStatus.COMPLETED, "stop")
    answer = await rig.answer(caller, run)
    assert answer.usage == ended.usage == replay(frames).usage
    assert answer.usage.cached_tokens is not None
    assert answer.content == text_of("reasoning-60")
    assert answer.reasoning == reasoning_of("reasoning-60")
    assert rig.uses == []


async def test_what_a_run_taught_is_reported_for_its_connection_and_model(
    rig: Any, caller: Caller, model_server: ModelServer
) -> None:
    asked = GenerationParameters(temperature=0.5, top_p=0.5, max_tokens=40_000)
    run = (
        await rig.ask(caller, model_server, "tokens-9", provider="anthropic", parameters=asked)
    ).run
    assert rig.joined(await rig.follow(run)) == text_of("tokens-9")

    frames = await rig.follow(run)
    adapted = (Adapted("top_p"), Adapted("max_tokens", "32000"))
    kinds = [frame.event for frame in frames]
    assert kinds.index("start") < kinds.index("adapted") < kinds.index("delta")
    assert kinds.count("adapted") == 1
    # Those who read it live, who take it over, who come late, and who read it once it is saved.
    assert set(replay(frames).adapted) == set(adapted)
    live = Answer()
    for frame in frames:
        live.take(frame.seq, frame.event, orjson.loads(frame.data))
    late = Answer()
    late.take(9, "snapshot", live.snapshot_before(10_000))
    assert late.adapted == live.adapted == (await rig.ended(run)).run.adapted
    assert (await rig.answer(caller, run)).adapted == live.adapted

    def told() -> bool:
        return len(rig.uses) == 1

    await eventually(told)
    (use,) = rig.uses
    assert (use.error_reason, use.ok) == (None, False)
    assert use.learnt == (
        Learnt("tokens-9", "max_tokens", "32000"),
        Learnt("tokens-9", "top_p-temperature", ""),
    )


@pytest.mark.parametrize("provider", ["gemini", ""])
async def test_a_run_whose_connection_is_of_no_known_kind_fails_and_says_so(
    rig: Any, caller: Caller, model_server: ModelServer, provider: str
) -> None:
    run = (await rig.ask(caller, model_server, "tokens-9", provider=provider)).run
    frames = await rig.follow(run)
    assert frames[-1].event == "error"
    assert rig.end(frames)["reason"] == "PROVIDER_UNKNOWN"
    ended = (await rig.ended(run)).run
    assert (ended.status, ended.reason) == (RunStatus.FAILED, "PROVIDER_UNKNOWN")
