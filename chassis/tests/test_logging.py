"""Logs of a real process: one JSON line an event, and no secrets in it."""

import json
import subprocess
import sys

import pytest

from chassis.telemetry.logging import redact_text

SCRIPT = """
import logging
from chassis.telemetry.context import request_id, traceparent
from chassis.telemetry.logging import configure_logging, get_logger

configure_logging("test-service", "info")
log = get_logger("here")
request_id.set("r-1")
traceparent.set("00-" + "a" * 32 + "-" + "b" * 16 + "-01")
log.info("one", password="hunter2", api_key="abc", nested={"refresh_token": "xyz", "n": 1})
log.info("two", text="Incorrect API key provided: sk-abcdef1234567890 for you")
log.info("three", text="line\\nbreak \\u2028 \\ud800")
log.debug("never")
logging.getLogger("nats").error("connect to nats://parley:s3cret@127.0.0.1:4222 failed")
try:
    raise ValueError("Authorization: Bearer abc.def.ghi")
except ValueError as error:
    log.error("four", exc_info=error)
"""


def test_a_process_logs_json_lines_without_secrets() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=30, check=True
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events][:3] == ["one", "two", "three"]
    assert len(events) == 5
    assert {event["service"] for event in events} == {"test-service"}
    assert {event["request_id"] for event in events} == {"r-1"}
    assert {event["trace_id"] for event in events} == {"a" * 32}
    for secret in ("hunter2", "xyz", '"abc"', "sk-abcdef", "s3cret", "abc.def.ghi"):
        assert secret not in done.stdout
    assert events[0]["nested"]["n"] == 1
    assert "ValueError" in events[4]["exception"]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Bearer abc.def-ghi", "Bearer [redacted]"),
        ("token eyJhbGciOiJFZERTQSJ9.e30.c2ln end", "token [redacted] end"),
        ("Incorrect key: sk-proj-****************WXYZ.", "Incorrect key: [redacted]"),
        ("was given parley_pat_-a_bC-9, sorry", "was given [redacted], sorry"),
        ("postgresql://app:pw@host/db", "postgresql://app:[redacted]@host/db"),
        ("task-force risk-averse nothing secret", "task-force risk-averse nothing secret"),
    ],
)
def test_what_looks_like_a_credential_is_taken_out(text: str, kept: str) -> None:
    assert redact_text(text) == kept
