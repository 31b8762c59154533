"""The report of loads with known numbers."""

import math

import orjson

from bench.answers import Answer
from bench.report import Report, percentile
from bench.scenarios import Measured, Target
from bench.stack import SERVICES


def measured(target: Target, tokens_each: int, turns: int, *, first: float) -> Measured:
    tokens = turns * tokens_each
    return Measured(
        scenario="some load",
        target=target,
        tokens_each=tokens_each,
        turns=turns,
        tokens=tokens,
        seconds=2.0,
        generator_cpu=0.01,
        services_cpu=dict.fromkeys(SERVICES, (0.010 * turns + 50e-6 * tokens) / 5),
        others_cpu={},
        answers=[Answer("", first_token=first, last_token=1.0, end=1.0)] * turns,
        errors=[],
    )


def report() -> Report:
    values = dict.fromkeys(SERVICES, 1.0)
    return Report(
        first_start=5.0,
        second_start=3.0,
        idle_pss=values,
        loaded_pss=values,
        idle_cpu=values,
        measured=[
            measured("direct", 200, 100, first=0.001),
            measured("parley", 200, 100, first=0.0085),
            measured("parley", 2000, 40, first=0.010),
        ],
    )


def test_the_table_shows_costs_and_what_was_added() -> None:
    lines = report().text().splitlines()
    turn = next(line for line in lines if "ms a turn" in line)
    token = next(line for line in lines if "µs a token" in line)
    added = next(
        line for line in lines if line.startswith("some load, 200 tokens  ") and "7.5" in line
    )
    assert turn.split()[-1] == "10.00"
    assert token.split()[-1] == "50.0"
    assert added.split()[-2:] == ["7.5", "7.5"]


def test_the_json_holds_the_same_and_no_single_answer() -> None:
    content = orjson.loads(orjson.dumps(report().as_json()))
    assert math.isclose(content["costs"]["some load"]["all"]["per_token"], 50e-6)
    assert content["loads"][1]["first_token_p50"] == 0.0085
    assert "answers" not in content["loads"][0]


def test_failed_answers_are_told() -> None:
    bad = report()
    bad.measured[0].errors.append("the text differs")  # type: ignore[attr-defined]
    assert "1 answers failed" in bad.text()


def test_percentiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert percentile(values, 0.5) == 3.0
    assert percentile(values, 0.99) == 5.0
    assert percentile([7.0], 0.5) == 7.0
    assert math.isnan(percentile([], 0.5))
