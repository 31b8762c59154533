"""The pages' own tests, which vitest runs."""

import json
from pathlib import Path

import pytest

from tools import web
from tools.web_check import local


def test_the_tests_of_the_pages_pass(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    # In one process, since the other workers of pytest are beside it.
    options = ("--maxWorkers=1", "--reporter=dot", "--reporter=json", f"--outputFile.json={told}")
    said = local(web.installed(), "vitest", "run", *options)
    if said is not None:
        pytest.fail(said, pytrace=False)
    counted = json.loads(told.read_text(encoding="utf-8"))
    assert counted["numPassedTests"] == counted["numTotalTests"] > 0
