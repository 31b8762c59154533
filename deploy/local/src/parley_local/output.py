"""The terminal: the runner's own lines, and the services' logs with their names before them."""

import json
import queue
import sys
import threading
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

RUNNER = "parley"
_WIDTH = 14
_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95)
_LEVEL_COLOURS = {"warning": 33, "error": 31, "critical": 31}
_LEFT_OUT = ("event", "level", "timestamp", "logger", "service", "exception", "trace_id")
_QUEUED_LINES = 10_000


class Terminal:
    """Writes lines from a thread of its own.

    Nobody may be reading what we write to: the runner must not stand still for that, and the
    services behind it neither. Lines beyond 10,000 unread ones are dropped and counted.
    """

    def __init__(
        self, stream: TextIO | None = None, *, as_json: bool = False, colour: bool | None = None
    ) -> None:
        self._stream = stream or sys.stdout
        self._as_json = as_json
        self.colour = self._stream.isatty() if colour is None else colour
        self._names: dict[str, int] = {}
        self._lines: queue.Queue[str | None] = queue.Queue(_QUEUED_LINES)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, name="terminal", daemon=True)
        self._writer.start()

    def say(self, text: str, *, level: str = "info", **facts: object) -> None:
        """A line of the runner itself; ``facts`` are for programs, which read the line as JSON."""
        if self._as_json:
            self._put(json.dumps({"service": RUNNER, "level": level, "event": text, **facts}))
        else:
            shown = self._paint(text, _LEVEL_COLOURS.get(level))
            self._put(f"{self._prefix(RUNNER)}{shown}")

    def show(self, text: str) -> None:
        """Lines for the person alone: left out where a program reads."""
        if not self._as_json:
            self._put(text)

    def log(self, name: str, line: str) -> None:
        """A line that process ``name`` wrote: JSON as the services write it, or anything."""
        if self._as_json:
            is_event = line.startswith("{") and '"event"' in line
            self._put(line if is_event else json.dumps({"service": name, "text": line}))
            return
        prefix = self._prefix(name)
        for part in self._compact(line):
            self._put(prefix + part)

    def close(self, timeout: float = 2.0) -> None:
        """Write what is queued, for ``timeout`` seconds at most."""
        try:
            self._lines.put(None, timeout=timeout)
        except queue.Full:
            return
        self._writer.join(timeout)

    def _put(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._stream.write(f"… {dropped} lines were dropped\n")
                self._stream.write(line + "\n")
                if self._lines.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                # The reader has gone for good (`make run | head`): the services go on without.
                return

    def _prefix(self, name: str) -> str:
        colour = self._names.setdefault(name, _COLOURS[len(self._names) % len(_COLOURS)])
        return self._paint(f"{name:<{_WIDTH}} | ", colour)

    def _paint(self, text: str, colour: int | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colour and colour else text

    def _compact(self, line: str) -> list[str]:
        try:
            event = json.loads(line)
        except ValueError:
            return [printable(line)]
        if not isinstance(event, dict) or "event" not in event:
            return [printable(line)]
        level = printable(str(event.get("level", "info")))
        fields = "".join(
            f" {printable(str(name))}={_value(value)}"
            for name, value in event.items()
            if name not in _LEFT_OUT
        )
        head = self._paint(level, _LEVEL_COLOURS.get(level))
        stack = str(event["exception"]).splitlines() if event.get("exception") else []
        return [
            f"{head} {printable(str(event['event']))}{fields}",
            *(f"    {printable(part)}" for part in stack),
        ]


def forward_logs(terminal: Terminal) -> None:
    """Show what chassis logs inside this process (migrations do) like any service's lines."""

    def hand_over(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
        terminal.log(RUNNER, json.dumps(event, default=str))
        raise structlog.DropEvent

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            hand_over,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )


def _value(value: Any) -> str:
    if isinstance(value, str):
        plain = value.isprintable() and not any(sign in value for sign in ' "=')
        return value if plain and value else printable(json.dumps(value, ensure_ascii=False))
    if isinstance(value, Mapping | list):
        return printable(json.dumps(value, ensure_ascii=False))
    return json.dumps(value)


def printable(text: str) -> str:
    """``text`` with what would steer the terminal shown as escapes."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign == "\t" else sign.encode("unicode_escape").decode()
        for sign in text
    )
