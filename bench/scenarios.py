"""Which loads are put on, and what is measured of each."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import orjson

from bench import costs
from bench.answers import Answer
from bench.generator import put_load
from bench.load import Outcome, Plan, Question
from bench.rest import User
from bench.stack import Stack
from parley_local.model_server.process import ModelServerProcess

Target = Literal["direct", "parley"]
# At least so many, and one for so many streams: a user may have some runs at once, not all.
_USERS = 8
_STREAMS_OF_A_USER = 25
# What is still done when the last answer has ended belongs to the answers.
_SETTLE_SECONDS = 0.5
_ASKED = "Tell me something, at your own pace."


@dataclass(frozen=True, slots=True)
class Scenario:
    """So many streams at once, at `rate` tokens a second each, or flat out (None).

    Once for each (tokens, turns) of `lengths`: `turns` answers of `tokens` on each stream, one
    after the other, each in a session of its own. The streams start spread over `ramp` seconds.
    """

    name: str
    streams: int
    rate: float | None
    lengths: Sequence[tuple[int, int]]
    ramp: float = 0.0

    def model(self, tokens: int) -> str:
        return f"tokens-{tokens}" if self.rate is None else f"tokens-{tokens}-at-{self.rate:g}"

    def seconds(self, tokens: int, turns: int) -> float:
        """What it lasts if nothing but the model takes time."""
        return self.ramp + (0.0 if self.rate is None else turns * tokens / self.rate)


STANDARD = (
    Scenario("1 stream × 50/s", 1, 50.0, ((10, 50), (100, 5))),
    Scenario("10 streams × 50/s", 10, 50.0, ((100, 6), (1000, 1)), ramp=2.0),
    Scenario("100 streams × 50/s", 100, 50.0, ((200, 3), (2000, 1)), ramp=4.0),
    Scenario("1000 streams × 5/s", 1000, 5.0, ((50, 1), (150, 1)), ramp=15.0),
    Scenario("100 questions at once", 100, 50.0, ((50, 1),)),
    Scenario("16 streams flat out", 16, None, ((200, 25), (2000, 10))),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One load; CPU in seconds by process."""

    scenario: str
    target: Target
    tokens_each: int
    turns: int
    tokens: int
    seconds: float
    generator_cpu: float
    services_cpu: Mapping[str, float]
    others_cpu: Mapping[str, float]
    answers: Sequence[Answer]
    errors: Sequence[str]

    def load(self, service: str | None = None) -> costs.Load:
        """What one service had to do and took for it; None: all five."""
        cpu = self.services_cpu
        taken = sum(cpu.values()) if service is None else cpu[service]
        return costs.Load(self.turns, self.tokens, taken)


class Bench:
    """A stack and a model server, and the loads put on them."""

    def __init__(
        self, stack: Stack, model_server: ModelServerProcess, say: Callable[[str], None]
    ) -> None:
        self._stack = stack
        self._model_server = model_server
        self._say = say
        self._services = stack.services()
        self._others = stack.servers() | {"model server": model_server.pid}
        self._users: list[User] = []

    def prepare(self) -> None:
        """Users with their keys, and a first load that nobody measures."""
        self._measure("parley", Scenario("warm-up", 8, None, ()), 50, 4)

    def run(self, scenario: Scenario) -> Iterator[Measured]:
        """The scenario's loads; the direct ones only where they do not take long."""
        for number, (tokens, turns) in enumerate(scenario.lengths):
            targets: tuple[Target, ...] = ("direct", "parley")
            for target in targets:
                if target == "direct" and number > 0 and scenario.rate is not None:
                    continue
                self._say(f"{scenario.name}, {turns} × {tokens} tokens each, {target}")
                yield self._measure(target, scenario, tokens, turns)

    def _measure(self, target: Target, scenario: Scenario, tokens: int, turns: int) -> Measured:
        plan = self._plan(target, scenario, tokens, turns)
        samples: list[tuple[dict[str, float], dict[str, float]]] = []

        def sample() -> None:
            samples.append((costs.cpu_of(self._services), costs.cpu_of(self._others)))

        def settle_and_sample() -> None:
            time.sleep(_SETTLE_SECONDS)
            sample()

        outcome = put_load(plan, sample, settle_and_sample)
        (services, others), (services_after, others_after) = samples
        good = [answer for answer in outcome.answers if not answer.error]
        return Measured(
            scenario=scenario.name,
            target=target,
            tokens_each=tokens,
            turns=len(good),
            tokens=len(good) * tokens,
            seconds=outcome.seconds,
            generator_cpu=outcome.cpu,
            services_cpu=costs.spent(services, services_after),
            others_cpu=costs.spent(others, others_after),
            answers=good,
            errors=_errors(outcome),
        )

    def _plan(self, target: Target, scenario: Scenario, tokens: int, turns: int) -> Plan:
        count, model = scenario.streams * turns, scenario.model(tokens)
        if target == "direct":
            port = self._model_server.port
            questions = iter([_direct(model)] * count)
        else:
            port = self._stack.parley.port
            questions = iter(self._through_parley(model, count, scenario.streams))
        return Plan(
            protocol="openai" if target == "direct" else "parley",
            port=port,
            streams=[list(islice(questions, turns)) for _ in range(scenario.streams)],
            ramp=scenario.ramp,
            limit=60.0 + 3 * scenario.seconds(tokens, turns),
        )

    def _through_parley(self, model: str, count: int, streams: int) -> list[Question]:
        parley = self._stack.parley
        wanted = max(_USERS, streams // _STREAMS_OF_A_USER)
        while len(self._users) < wanted:
            self._users.append(parley.new_user(self._model_server.base_url))
        for user in self._users:
            parley.renew(user)
        users = [self._users[number % len(self._users)] for number in range(count)]
        return [
            Question(
                path=f"/api/v1/chat/sessions/{session}/messages",
                token=user.token,
                body=_json({"content": _ASKED, "model": model, "key_id": user.key_id}),
                model=model,
            )
            for user, session in zip(users, parley.new_sessions(users), strict=True)
        ]


def _direct(model: str) -> Question:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": _ASKED}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return Question("/v1/chat/completions", "sk-bench", _json(body), model)


def _json(body: object) -> str:
    return orjson.dumps(body).decode()


def _errors(outcome: Outcome) -> list[str]:
    return [answer.error for answer in outcome.answers if answer.error]
