"""`python -m bench`: starts a Parley of its own on loopback, loads it, prints what it costs."""

import argparse
import signal
import sys
import time
from pathlib import Path

import orjson

from bench import costs
from bench.report import Report, reference_seconds
from bench.scenarios import STANDARD, Bench, Scenario
from bench.stack import Stack, StackError, data_folder, stack
from parley_local.model_server.process import model_server

_IDLE_SECONDS = 4.0


def main() -> None:
    arguments = _arguments()
    # As with Ctrl-C: what was started is stopped in good order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = measure(_chosen(arguments))
    except StackError as error:
        print(error, *error.__notes__, sep="\n", file=sys.stderr)
        sys.exit(1)
    print(report.text())
    if arguments.json is not None:
        arguments.json.write_bytes(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2))
    sys.exit(1 if report.errors else 0)


def measure(scenarios: tuple[Scenario, ...]) -> Report:
    """Start twice, measure the scenarios in the second start."""
    report = Report()
    before = reference_seconds()
    with data_folder() as folder, model_server() as model:
        _say("first start")
        with stack(folder) as first:
            report.first_start = first.ready_seconds
        _say("second start")
        with stack(folder) as parley:
            report.second_start = parley.ready_seconds
            _idle(parley, report)
            bench = Bench(parley, model, _say)
            bench.prepare()
            for scenario in scenarios:
                report.measured += bench.run(scenario)
            report.loaded_pss = _pss(parley)
    report.reference = (before, reference_seconds())
    return report


def _idle(parley: Stack, report: Report) -> None:
    services = parley.services()
    before = costs.cpu_of(services)
    time.sleep(_IDLE_SECONDS)
    spent = costs.spent(before, costs.cpu_of(services))
    report.idle_cpu = {name: seconds / _IDLE_SECONDS for name, seconds in spent.items()}
    report.idle_pss = _pss(parley)


def _pss(parley: Stack) -> dict[str, float]:
    return {name: costs.pss_mib(pid) for name, pid in parley.services().items()}


def _chosen(arguments: argparse.Namespace) -> tuple[Scenario, ...]:
    if arguments.streams is None:
        return STANDARD
    rate = arguments.rate
    streams = "1 stream" if arguments.streams == 1 else f"{arguments.streams} streams"
    name = f"{streams} {'flat out' if rate is None else f'× {rate:g}/s'}"
    turns = arguments.turns or [1] * len(arguments.tokens)
    if len(turns) != len(arguments.tokens):
        sys.exit("--turns needs as many numbers as --tokens")
    ramp = 0.0 if rate is None else min(4.0, min(arguments.tokens) / rate)
    lengths = tuple(zip(arguments.tokens, turns, strict=True))
    return (Scenario(name, arguments.streams, rate, lengths, ramp),)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Without options: the standard loads, about five minutes.",
    )
    parser.add_argument("--streams", type=int, help="this many at once, in place of the standard")
    parser.add_argument("--rate", type=float, help="tokens a second and stream (else flat out)")
    parser.add_argument(
        "--tokens", type=_numbers, default=[200, 2000], help="lengths of answers (200,2000)"
    )
    parser.add_argument("--turns", type=_numbers, help="turns on each stream, for each length (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there as well")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
