"""Makes `.interop`, the environment of model servers that others wrote, and runs Parley beside them.

What is in it is pinned in tests/interop/requirements.txt and package.json, apart from
requirements.lock: nothing of Parley, and no other check, needs a line of it. A server that does not
install fails the run. `--lock` makes requirements.txt; other arguments go to pytest.
"""

import hashlib
import re
import shutil
import subprocess
import sys

from tools.lock import lines_with
from tools.members import BIN, ROOT
from tools.setup import ADDRESS, find_uv, run, say

TESTS = ROOT / "tests" / "interop"
WANTED = TESTS / "requirements.in"
LOCK = TESTS / "requirements.txt"
PACKAGES = TESTS / "package.json"
FOLDER = ROOT / ".interop"
PYTHON = FOLDER / "python" / "bin" / "python"
NODE = FOLDER / "node"

_HEADER = "# Every version, with its hashes. Made by `python -m tools.interop --lock`.\n"
# As package.json says.
_NODE_VERSION = (20, 15)


def main(arguments: list[str]) -> None:
    if arguments == ["--lock"]:
        lock()
        return
    prepare()
    tests = [str(BIN / "python"), "-m", "pytest", str(TESTS), "-m", "interop", "-n", "0"]
    sys.exit(subprocess.run([*tests, *arguments], cwd=ROOT, check=False).returncode)


def lock() -> None:
    """Make requirements.txt; versions that are there are kept where they still fit."""
    command = [_uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"]
    run([*command, "--output-file", str(LOCK), str(WANTED)])
    text = re.sub(r"^#.*\n", "", LOCK.read_text(encoding="utf-8"), flags=re.MULTILINE)
    LOCK.write_text(_HEADER + text, encoding="utf-8")


def prepare() -> None:
    """Install what is not installed yet; raises SystemExit saying what could not be."""
    if ADDRESS.search(PACKAGES.read_text(encoding="utf-8")) or lines_with(ADDRESS, LOCK):
        sys.exit("tests/interop names an address; take that line out")
    npm = _npm()
    wanted = hashlib.sha256(LOCK.read_bytes() + PACKAGES.read_bytes()).hexdigest()
    ready = FOLDER / ".ready"
    if ready.exists() and ready.read_text(encoding="ascii") == wanted:
        return
    say("installing model servers into .interop (some hundred MB, only the first time)")
    shutil.rmtree(FOLDER, ignore_errors=True)
    NODE.mkdir(parents=True)
    uv = _uv()
    run([uv, "venv", "--quiet", "--python", sys.executable, str(PYTHON.parent.parent)])
    install = [uv, "pip", "sync", "--quiet", "--python", str(PYTHON)]
    run([*install, "--require-hashes", "--compile-bytecode", str(LOCK)])
    shutil.copy(PACKAGES, NODE)
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--silent"]
    run([npm, "install", "--prefix", str(NODE), *quiet])
    ready.write_text(wanted, encoding="ascii")


def _uv() -> str:
    return find_uv() or str(BIN / "uv")


def _npm() -> str:
    """The command of npm; raises SystemExit if there is no Node of the version that is needed."""
    npm, node = shutil.which("npm"), shutil.which("node")
    needed = ".".join(map(str, _NODE_VERSION))
    if npm is None or node is None:
        sys.exit(f"one of the model servers needs Node {needed} or later, with npm")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in re.findall(r"\d+", told)[:2]) < _NODE_VERSION:
        sys.exit(f"one of the model servers needs Node {needed} or later; this is {told.strip()}")
    return npm


def versions() -> dict[str, str]:
    """Of each server by its package's name, as it is pinned."""
    pinned = dict(re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==(\S+)", WANTED.read_text(), re.MULTILINE))
    npm = re.findall(r'"(@[^"]+)": "([\d.]+)"', PACKAGES.read_text(encoding="utf-8"))
    return pinned | dict(npm)


if __name__ == "__main__":
    main(sys.argv[1:])
