"""What a process that reads an export can still do: read its input, and keep copies in its folder."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

_TRIES = """
import os, pathlib, sys, tempfile
from chat_service.imports.reading.__main__ import _give_up
_give_up(os.getppid())
def keep():
    from chat_service.imports.reading.blocks import Blocks
    blocks = Blocks()
    for number in range(40):
        blocks.keep({"id": str(number), "content": "x" * 2**20})
    assert blocks.find("39")
def tried(what):
    try:
        what()
        return "done"
    except OSError:
        return "refused"
def copy():
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 2**20)
        file.flush()
print(tried(copy), tried(keep), tried(pathlib.Path(sys.argv[1]).read_text),
      tried(lambda: pathlib.Path(sys.argv[1]).with_name("made").write_text("x")))
import sqlite3, xml.dom.minidom, encodings.cp437
print(tried(lambda: os.kill(os.getppid(), 0)))
"""


def _landlock() -> int:
    return int(ctypes.CDLL(None).syscall(444, None, 0, 1)) if sys.platform == "linux" else 0


@pytest.mark.skipif(_landlock() < 6, reason="signals are forbidden since Linux 6.12")
def test_a_reader_opens_no_file_but_its_own_copies(tmp_path: Path) -> None:
    scratch, secret = tmp_path / "scratch", tmp_path / "secret"
    scratch.mkdir()
    secret.write_text("secret")
    ran = subprocess.run(
        [sys.executable, "-I", "-c", _TRIES, str(secret)],
        env={"PATH": os.defpath, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["done", "done", "refused", "refused", "refused"]
    assert secret.read_text() == "secret"
