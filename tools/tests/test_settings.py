"""What holds for the settings of every process."""

import importlib
import os
import subprocess
import sys

import pytest

from tools.settings_table import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_rule_over_several_settings_belongs_to_one_of_them(service: str) -> None:
    """Else the line that refuses it could name none."""
    settings = importlib.import_module(f"{service}.settings").Settings
    assert settings.__pydantic_decorators__.model_validators == {}


def test_a_body_that_could_never_be_held_is_refused_with_the_name_of_a_setting() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check"],
        env={**os.environ, "GATEWAY_BODY_LIMIT_BYTES": "10000000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    said = "settings: GATEWAY_BODY_HELD_BYTES_PER_CLIENT: three quarters of it must hold a body"
    assert said in done.stderr
