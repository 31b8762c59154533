"""A pytest plugin that notes which lines each test reaches, and how long the test takes."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest


class Reach:
    """Measures this process; what is started by a test is not looked into."""

    def __init__(self, output: Path, root: Path) -> None:
        self._output = output
        self._root = root
        self._seconds: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        self._coverage = coverage.Coverage(
            data_file=None, config_file=False, messages=False, include=[f"{root}/*/src/*"]
        )
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._coverage.switch_context(item.nodeid)
        result = yield
        self._coverage.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        lines: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for file in data.measured_files():
            inside = str(Path(file).relative_to(self._root))
            for line, reached_by in data.contexts_by_lineno(file).items():
                for test in reached_by:
                    lines[test][inside].append(line)
        tests = {
            test: {"seconds": seconds, "lines": lines[test]}
            for test, seconds in self._seconds.items()
            if test not in self._failed
        }
        self._output.write_text(json.dumps({"tests": tests}))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Reach(Path(os.environ["REACH_OUTPUT"]), config.rootpath))
