"""Logs of a real process: one JSON line an event, and no secrets in it."""

import base64
import json
import subprocess
import sys

import pytest

from chassis.telemetry.redaction import redact_text

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
    # Who filters by it has the lines of one module, a library's own as well.
    assert [event["logger"] for event in events] == ["here", "here", "here", "nats", "here"]
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


HIDING = r"""
import asyncio, logging, sys, threading, warnings
from dataclasses import dataclass
from chassis.telemetry.logging import configure_logging, get_logger, log_the_uncaught
from chassis.telemetry.redaction import hide

configure_logging("test-service", "info")
log_the_uncaught()
log = get_logger("here")
KEY = sys.argv[1]

@dataclass
class Connection:
    where: str
    its: str

class Unprintable:
    def __repr__(self):
        raise ValueError(KEY)

async def main():
    hide(KEY)
    body = {"error": {"message": f"no such key: {KEY}"}}
    try:
        try:
            raise KeyError(KEY)
        except KeyError as error:
            raise ValueError(str(body)) from error
    except ValueError as error:
        error.add_note(f"of {KEY!r}")
        log.error("exception", exc_info=error)
        logging.getLogger("asyncio").error("of a library %r", body, exc_info=error)
    log.info("values", text=KEY, raw=KEY.encode(), nested={"a": [{KEY: (KEY, {KEY})}]})
    log.info("objects", one=Connection("x", KEY), error=ValueError(KEY), bad=Unprintable())
    log.info("secret", token={"deep": {"er": "hunter2"}}, cookie=Connection("hunter2", "x"))
    logging.getLogger("nats").error("%d", KEY)
    log.info("more digits than are written", number=10**5000)
    deep = here = {}
    for _ in range(100):
        here["a"] = here = {"b": KEY}
    log.info("deep", deep=deep)

    async def child():
        raise RuntimeError(repr(KEY))

    task = asyncio.create_task(child())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task  # nobody retrieves its exception

    def in_thread():
        hide(KEY)
        raise RuntimeError(KEY)

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    warnings.warn(f"a warning of {KEY!r}")
    raise SystemError(KEY)

hide(KEY)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "key", ["s'k\\abc\"def/ghi+xyz", "plain0123456789abcdef", "x\\u0041\\n%41'\\y&amp;"]
)
def test_a_hidden_key_leaves_a_process_in_no_spelling(key: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDING, key], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    events = {event["event"]: event for event in lines}
    assert "no such key: [redacted]" in events["exception"]["exception"]
    assert events["values"]["text"] == events["values"]["raw"] == "[redacted]"
    assert events["objects"]["bad"] == "<Unprintable without a repr: ValueError>"
    assert events["secret"]["token"] == {"deep": {"er": "[redacted]"}}
    assert events["secret"]["cookie"] == "[redacted]"
    failed = [(one["logger"], one["error"]) for one in lines if one["event"] == "log.failed"]
    assert failed == [("nats", "TypeError"), ("here", "ValueError")]
    assert {"uncaught.in_thread", "uncaught.in_process"} <= events.keys()
    inner = key[2:-2]
    for spelled in (key, inner, repr(inner)[1:-1], json.dumps(inner)[1:-1], "hunter2"):
        assert spelled not in done.stdout
        assert json.dumps(spelled)[1:-1] not in done.stdout
    assert base64.b64encode(key.encode()).decode()[:12] not in done.stdout
