"""What a run found, as docs/model-servers.md shows it: behaviours down, servers across."""

from pathlib import Path
from typing import Final

import pytest

from tools.interop import versions

from .servers import AiMock, LiteLlm, LlamaCpp, LlamaCppThinkingWithin, LlMock

SERVERS: Final = (LlamaCpp, LlamaCppThinkingWithin, LiteLlm, LlMock, AiMock)
_COLUMNS: Final = (LlamaCpp, LiteLlm, LlMock, AiMock)
_BEGIN, _END = "<!-- made by make interop -->\n", "<!-- end -->\n"


class Table:
    """Each cell is the worst of its tests: a failure, what is not right yet, or that all is well."""

    def __init__(self) -> None:
        self._cells: dict[str, dict[str, str]] = {}
        self._notes: list[str] = []

    def enter(self, server: str, behaviour: str, report: pytest.TestReport) -> None:
        cells = self._cells.setdefault(behaviour, {})
        # Both ways to set the one server up are one column.
        server = LlamaCpp.name if server == LlamaCppThinkingWithin.name else server
        if report.failed:
            cells[server] = "**fails**"
        elif hasattr(report, "wasxfail"):
            if cells.get(server) != "**fails**":
                cells[server] = f"not yet [^{self._note(report.wasxfail)}]"
        else:
            cells.setdefault(server, "✓")

    def _note(self, reason: str) -> int:
        reason = reason.removeprefix("reason: ")
        if reason not in self._notes:
            self._notes.append(reason)
        return self._notes.index(reason) + 1

    def write(self, path: Path) -> None:
        """Put it into the file, in the place of the one that is there."""
        page = path.read_text(encoding="utf-8")
        before, _, rest = page.partition(_BEGIN)
        _, _, after = rest.partition(_END)
        path.write_text(f"{before}{_BEGIN}\n{self._text()}\n{_END}{after}", encoding="utf-8")

    def _text(self) -> str:
        pinned = versions()
        heads = [
            f"{server.name} ({server.package} {pinned[server.package]})" for server in _COLUMNS
        ]
        lines = [_line("", *heads), _line(*["---"] * (len(heads) + 1))]
        for behaviour, cells in self._cells.items():
            lines.append(_line(behaviour, *(cells.get(server.name, "") for server in _COLUMNS)))
        notes = [f"[^{number}]: {note}" for number, note in enumerate(self._notes, 1)]
        return "\n".join([*lines, "", *notes]) + "\n"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
