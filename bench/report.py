"""What was measured, as a table for people and as JSON for machines."""

import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench import procfs
from bench.answers import Answer
from bench.costs import Cost, fit
from bench.scenarios import Measured
from bench.stack import SERVICES


def reference_seconds() -> float:
    """CPU seconds of a fixed piece of Python, the best of a few: how fast this machine is now.

    On a shared machine CPU costs differ by a third from hour to hour; this tells by how much.
    """

    def once() -> float:
        began = time.process_time()
        sum(i * i for i in range(500_000))
        return time.process_time() - began

    return min(once() for _ in range(7))


@dataclass(slots=True)
class Report:
    """Everything that one run of the bench found out."""

    # Of reference_seconds, before and after the loads.
    reference: tuple[float, float] = (0.0, 0.0)
    first_start: float = 0.0
    second_start: float = 0.0
    idle_pss: Mapping[str, float] = field(default_factory=dict)
    loaded_pss: Mapping[str, float] = field(default_factory=dict)
    # Share of one core, with nothing to do.
    idle_cpu: Mapping[str, float] = field(default_factory=dict)
    measured: list[Measured] = field(default_factory=list)

    @property
    def errors(self) -> list[str]:
        return [error for one in self.measured for error in one.errors]

    @property
    def scenarios(self) -> list[str]:
        return list(dict.fromkeys(one.scenario for one in self.measured))

    def of(self, scenario: str, target: str) -> list[Measured]:
        return [m for m in self.measured if m.scenario == scenario and m.target == target]

    def as_json(self) -> dict[str, Any]:
        """Seconds, MiB and counts; answers as percentiles."""
        return {
            "machine": machine(),
            "reference_seconds": self.reference,
            "start_seconds": {"first": self.first_start, "second": self.second_start},
            "pss_mib": {"idle": self.idle_pss, "after_load": self.loaded_pss},
            "idle_cpu_share": self.idle_cpu,
            "loads": [_as_json(one) for one in self.measured],
            "costs": {scenario: self._costs(scenario) for scenario in self.scenarios},
        }

    def _costs(self, scenario: str) -> dict[str, Any]:
        loads = self.of(scenario, "parley")
        fits = {name: fit(m.load(name) for m in loads) for name in (*SERVICES, None)}
        return {name or "all": asdict(cost) for name, cost in fits.items() if cost is not None}

    def text(self) -> str:
        before, after = self.reference
        blocks = [
            f"{machine()}\nreference loop: {1e3 * before:.1f} ms before, {1e3 * after:.1f} ms after",
            self._processes(),
            self._loads(),
            self._cost_table(),
            self._added(),
            *([] if not self.errors else [_error_lines(self.errors)]),
        ]
        return "\n\n".join(blocks)

    def _processes(self) -> str:
        rows = [["", *map(_short, SERVICES), "sum"]]
        for label, values, form in (
            ("PSS MiB, idle", self.idle_pss, "{:.1f}"),
            ("PSS MiB, after the load", self.loaded_pss, "{:.1f}"),
            ("CPU % of a core, idle", {k: 100 * v for k, v in self.idle_cpu.items()}, "{:.2f}"),
        ):
            numbers = [values.get(name, math.nan) for name in SERVICES]
            rows.append([label, *(form.format(n) for n in (*numbers, sum(numbers)))])
        starts = f"ready after {self.first_start:.1f} s with no data yet, {self.second_start:.1f} s with it"
        return f"{starts}\n\n{_table(rows, words=1)}"

    def _loads(self) -> str:
        heads = ["load", "", "turns", "tokens/s", "first p50", "p99", "gap p50", "p99", "end p50"]
        rows = [[*heads, "CPU µs/token", "generator"]]
        for one in self.measured:
            cpu = sum(one.services_cpu.values()) if one.target == "parley" else math.nan
            rows.append(
                [
                    f"{one.scenario}, {one.tokens_each} tokens",
                    one.target,
                    str(one.turns),
                    f"{one.tokens / one.seconds:,.0f}",
                    *(f"{1000 * value:.1f}" for value in _percentiles(one.answers)),
                    _micro(cpu, one.tokens),
                    _micro(one.generator_cpu, one.tokens),
                ]
            )
        notes = (
            "first: ms to the first token; gap: ms, the longest of an answer; end: ms from the\n"
            "last token to the end of the response; CPU: of the five services, turns included"
        )
        return f"{_table(rows, words=2)}\n{notes}"

    def _cost_table(self) -> str:
        rows = [["cost = a·turns + b·tokens", "", *map(_short, SERVICES), "all"]]
        for scenario in self.scenarios:
            loads = self.of(scenario, "parley")
            fits = [fit(m.load(name) for m in loads) for name in (*SERVICES, None)]
            forms: tuple[tuple[str, str, Callable[[Cost], str]], ...] = (
                (scenario, "a, ms a turn", lambda cost: f"{1e3 * cost.per_turn:.2f}"),
                ("", "b, µs a token", lambda cost: f"{1e6 * cost.per_token:.1f}"),
            )
            rows += [
                [name, what, *("–" if cost is None else form(cost) for cost in fits)]
                for name, what, form in forms
            ]
        return _table(rows, words=2)

    def _added(self) -> str:
        rows = [["added to the first token, ms", "p50", "p99"]]
        for scenario in self.scenarios:
            pairs = zip(self.of(scenario, "direct"), self.of(scenario, "parley"), strict=False)
            for direct, parley in pairs:
                before, after = (_percentiles(one.answers) for one in (direct, parley))
                added = [f"{1000 * (after[i] - before[i]):.1f}" for i in (0, 1)]
                rows.append([f"{scenario}, {parley.tokens_each} tokens", *added])
        return _table(rows, words=1)


def machine() -> str:
    return (
        f"{procfs.cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()},"
        f" {platform.python_implementation()} {platform.python_version()}"
    )


def _percentiles(answers: Sequence[Answer]) -> tuple[float, float, float, float, float]:
    """First token p50 and p99, longest gap p50 and p99, end behind the last token p50."""
    first = [answer.first_token for answer in answers]
    gap = [answer.longest_gap for answer in answers]
    end = [answer.end - answer.last_token for answer in answers]
    return (
        percentile(first, 0.5),
        percentile(first, 0.99),
        percentile(gap, 0.5),
        percentile(gap, 0.99),
        percentile(end, 0.5),
    )


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def _as_json(one: Measured) -> dict[str, Any]:
    content = asdict(one)
    content.pop("answers")
    names = ("first_token_p50", "first_token_p99", "gap_p50", "gap_p99", "end_p50")
    return content | dict(zip(names, _percentiles(one.answers), strict=True))


def _error_lines(errors: Sequence[str]) -> str:
    return "\n".join([f"{len(errors)} answers failed, the first of them:", *errors[:5]])


def _micro(seconds: float, count: int) -> str:
    return "–" if math.isnan(seconds) or not count else f"{1e6 * seconds / count:.1f}"


def _short(service: str) -> str:
    return service.removesuffix("_service")


def _table(rows: Sequence[Sequence[str]], *, words: int) -> str:
    """The first `words` columns to the left, the numbers behind them to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number < words else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
