"""The access log, as a test reads it."""

import logging
from typing import Any

import orjson
import pytest

from chassis.testing import eventually
from gateway.edge import access


class AccessLog:
    """The lines of the access log that were written within the test."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def lines(self) -> list[dict[str, Any]]:
        told = (
            orjson.loads(record.getMessage())
            for record in self._caplog.records
            if record.name == access.__name__
        )
        return [line for line in told if line["event"] == "http.request"]

    @property
    def complaints(self) -> list[str]:
        """What was logged as a warning or an error."""
        return [
            record.getMessage()
            for record in self._caplog.records
            if record.levelno >= logging.WARNING
        ]

    async def line(self, request_id: str) -> dict[str, Any]:
        """The one line of this request, once it is there."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.lines if line["request_id"] == request_id]

        await eventually(found)
        (line,) = found()
        return line
