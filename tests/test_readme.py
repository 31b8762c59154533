"""README.md's conversation by program, typed as it stands into interactive shells."""

import os
import pty
import re
import select
import shutil
import signal
import time
from pathlib import Path

import pytest

from .stack import Stack

_README = Path(__file__).resolve().parents[1] / "README.md"
_SECONDS = 120.0
_SHELLS = [
    pytest.param(["bash", "--norc", "--noprofile", "-i"], id="bash"),
    pytest.param(
        ["zsh", "-f", "-i"],
        id="zsh",
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed"),
        ],
    ),
]


def blocks(heading: str) -> list[str]:
    """What the section under ``heading`` has to be typed."""
    section = re.split(r"^## ", _README.read_text(), flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith(heading)]
    found = re.findall(r"^```\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for block in found if not block.startswith("id: ")]


class Shell:
    """An interactive shell at a terminal of its own."""

    def __init__(self, command: list[str], home: Path) -> None:
        self.said = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "dumb"}
            os.chdir(home)
            os.execvpe(command[0], command, environment)

    def type(self, text: str) -> str:
        """Type ``text``; what is shown until the shell has done it."""
        before = len(self.said)
        mark = f"done-{before}"
        # In two halves: the echo of what is typed must not be taken for its output.
        for line in (*text.splitlines(), f"echo done''-{before}"):
            os.write(self._terminal, line.encode() + b"\n")
        deadline = time.monotonic() + _SECONDS
        while mark not in self.said[before:]:
            ready, _, _ = select.select([self._terminal], [], [], 1.0)
            if ready:
                self.said += os.read(self._terminal, 65536).decode(errors="replace")
            assert time.monotonic() < deadline, self.said
        return self.said[before:]

    def end(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)


@pytest.mark.parametrize("command", _SHELLS)
def test_the_first_conversation_goes_as_it_is_typed(
    command: list[str], executed_stack: Stack, tmp_path: Path
) -> None:
    stack = executed_stack
    places, functions, register, log_in, key, ask, sessions, refresh = blocks("The same by program")
    # The banner's lines, and a user of the test's own.
    places = places.replace("http://127.0.0.1:8000", stack.url)
    places = places.replace("http://127.0.0.1:8001/v1", stack.model_url)
    name = f"ada{os.getpid()}{command[0]}"

    def own(block: str) -> str:
        return block.replace('"ada"', f'"{name}"').replace("ada@", f"{name}@")

    shell = Shell(command, tmp_path)
    try:
        tokens = set()
        # The second time as well, where README.md says which refusals to expect.
        for refused in (False, True):
            shell.type(places + functions)
            registered = shell.type(own(register))
            assert ("no access_token" in registered) == refused
            assert ("USERNAME_TAKEN" in registered) == refused
            shell.type(own(log_in))
            kept = shell.type(key).replace(" ", "").replace("\r\n", "")
            assert ('"masked_key":"' in kept) != refused
            assert ("KEY_NAME_TAKEN" in kept) == refused
            assert "event: done" in shell.type(ask)
            assert '"items"' in shell.type(sessions)
            shell.type(refresh)
            token = re.search(r"eyJ[\w.-]+", shell.type("echo $TOKEN"))
            assert token is not None
            tokens.add(token[0])
        assert len(tokens) == 2
        section = _README.read_text().partition("## The same by program")[2].partition("\n## ")[0]
        assert all(f"says `{reason}`" in section for reason in ("USERNAME_TAKEN", "KEY_NAME_TAKEN"))
    finally:
        shell.end()
    for trouble in ("command not found", "no matches found", "parse error", "Traceback"):
        assert trouble not in shell.said, shell.said


def test_nothing_that_is_to_be_typed_has_a_comment() -> None:
    """An interactive zsh takes ``#`` for a word like any other."""
    text = _README.read_text()
    typed = re.findall(r"^```\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert [
        line for block in typed for line in block.splitlines() if re.search(r"(^|\s)#", line)
    ] == []
