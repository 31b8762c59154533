"""What holds for the settings of every process."""

import importlib
import math
import os
import socket
import subprocess
import sys
from typing import Annotated, Any

import pytest
from annotated_types import Ge, Gt, Le
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from chassis.tls import issue
from tools.settings_table import SERVICES, bounds


def numbers(service: str) -> dict[str, FieldInfo]:
    """The fields of its settings that are numbers."""
    settings = importlib.import_module(f"{service}.settings").Settings
    return {
        name: field
        for name, field in settings.model_fields.items()
        if field.annotation in {int, float}
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_number_has_two_bounds_that_are_shown_and_hold(service: str) -> None:
    fields = numbers(service)
    assert {"drain_seconds", "metrics_port"} <= fields.keys()
    for name, field in fields.items():
        kinds = {type(bound): bound for bound in field.metadata}
        assert Le in kinds, f"{name} has no upper bound"
        assert Ge in kinds or Gt in kinds, f"{name} has no lower bound"
        assert bounds(field).endswith(f"to {kinds[Le].le}")
        form: Any = Annotated[field.annotation, *field.metadata]
        number: TypeAdapter[Any] = TypeAdapter(form)
        assert number.validate_python(kinds[Le].le) == kinds[Le].le
        for wrong in (kinds[Le].le + 1, 10**18, -1, -(10**18)):
            with pytest.raises(ValidationError):
                number.validate_python(wrong)
        assert kinds[Le].le <= 1024**4, f"no machine means {name}"
        assert math.isfinite(field.default)


def test_a_number_that_no_machine_means_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check"],
        env={**os.environ, "GATEWAY_BODY_HELD_BYTES": str(10**18)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    said = "settings: GATEWAY_BODY_HELD_BYTES: Input should be less than or equal to 1099511627776"
    assert said in done.stderr.splitlines()


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that the gateway and notes-service require, and nothing of ours."""
    folder = tmp_path_factory.mktemp("tls")
    issue(folder, ["gateway", "notes-service"])
    found = {"PATH": os.defpath}
    for prefix, name in (("GATEWAY", "gateway"), ("NOTES", "notes-service")):
        found |= {
            f"{prefix}_TLS_CA_FILE": str(folder / "ca.pem"),
            f"{prefix}_TLS_CERT_FILE": str(folder / f"{name}.pem"),
            f"{prefix}_TLS_KEY_FILE": str(folder / f"{name}.key"),
        }
    for service in ("AUTH", "APIKEY", "CHAT", "NOTES"):
        found[f"GATEWAY_{service}_TARGET"] = "localhost:1"
    for role in ("", "WORKER_"):
        found[f"NOTES_{role}DATABASE_URL"] = "postgresql://a:b@localhost/notes"
    return found | {"NOTES_NATS_URL": "nats://a:b@localhost", "NOTES_AUTH_TARGET": "localhost:1"}


def check(service: str, environment: dict[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", service, "check"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "variables", "good", "bad"),
    [
        ("gateway", ("GATEWAY_HOST", "GATEWAY_METRICS_HOST"), "0.0.0.0", "no-such-host.invalid"),
        ("notes_service", ("NOTES_GRPC_HOST", "NOTES_METRICS_HOST"), "localhost", "192.0.2.1"),
    ],
)
def test_check_says_which_host_is_none_to_listen_on(
    service: str,
    variables: tuple[str, str],
    good: str,
    bad: str,
    environment: dict[str, str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # By the very service that this is the check of, as a rule.
        port = {variables[0].replace("HOST", "PORT"): str(taken.getsockname()[1])}
        hosts = dict.fromkeys(variables, good)
        assert check(service, {**environment, **port, **hosts}) == (0, "")
    for variable in variables:
        status, said = check(service, {**environment, **hosts, variable: bad})
        assert status == 2
        [line] = said.splitlines()
        assert line.startswith(f"settings: {variable}: not an address to listen on here: ")


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
