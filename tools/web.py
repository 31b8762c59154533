"""Builds the pages into web/dist: `make web`. Nothing is done where nothing has changed.

`--or-say`: where they cannot be built, say so and end well, for `make run`, which goes on without.
"""

import fcntl
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parley_local.built_pages import has_pages
from tools.members import ROOT
from tools.node import WEB, Node, NoNode, find_node, remove
from tools.setup import ADDRESS, FETCHED, say

DIST = WEB / "dist"
_NEW = WEB / "dist.new"
_OLD = WEB / "dist.old"
# Of what the pages were built; hidden, so that it is not served.
_BUILT_OF = ".built-of"
_SOURCES = (
    "tools/pack.mjs",
    "index.html",
    "vite.config.ts",
    "tsconfig.json",
    "package.json",
    "package-lock.json",
)
_QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")


class NotBuilt(Exception):
    """Something is in the way; the message is for the terminal."""


def main(arguments: list[str]) -> None:
    try:
        build()
    except (NotBuilt, NoNode, OSError) as error:
        if arguments != ["--or-say"]:
            sys.exit(f"web: {error}")
        there = (
            "those of an earlier build are served" if has_pages(DIST) else "the API is served alone"
        )
        say(f"the pages could not be built, so {there}:\n{error}")


def build() -> None:
    """Bring web/dist to what the sources say, whole or not at all.

    Nothing is written where that is so already. Raises NotBuilt, NoNode, and OSError where the tree
    cannot be written.
    """
    if _built_of() == digest():
        return
    with alone():
        # Another build may have ended meanwhile, and sources may have changed.
        wanted = digest()
        if _built_of() == wanted:
            return
        _clear()
        node = find_node()
        install(node)
        say("building the pages")
        began = time.monotonic()
        build_into = ("--", "--outDir", str(_NEW), "--emptyOutDir")
        _run(node, [*node.npm, "run", "--silent", "build", *build_into])
        _run(node, ["node", "tools/pack.mjs", str(_NEW)])
        (_NEW / _BUILT_OF).write_text(wanted, encoding="ascii")
        if DIST.exists():
            DIST.rename(_OLD)
        _NEW.rename(DIST)
        remove(_OLD)
        say(f"the pages are built ({time.monotonic() - began:.0f} s)")


def _built_of() -> str | None:
    """The digest of what web/dist was built of; None where there are no pages of this build's."""
    if not has_pages(DIST):
        return None
    try:
        return (DIST / _BUILT_OF).read_text(encoding="ascii")
    except FileNotFoundError:
        return None


def _clear() -> None:
    """What a build that was killed has left: where it had put the pages away, they come back."""
    if _OLD.exists() and not DIST.exists():
        _OLD.rename(DIST)
    remove(_OLD)


def installed() -> Node:
    """A Node with what web/package-lock.json names beside it. Raises NotBuilt, NoNode, OSError."""
    with alone():
        node = find_node()
        install(node)
    return node


def install(node: Node, folder: Path = WEB) -> None:
    """Install what the lock in `folder` names, unless it is there. Raises NotBuilt.

    For one at a time: see `alone`.
    """
    name = folder.relative_to(ROOT).as_posix()
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    packages = (folder / "package.json").read_text(encoding="utf-8")
    if '"resolved"' in lock or ADDRESS.search(packages):
        raise NotBuilt(f"{name}/package.json or its lock names an address; take that line out")
    # Which npm writes last.
    note = folder / "node_modules" / ".package-lock.json"
    if is_installed(json.loads(lock), _read(note)):
        return
    say(f"installing what {name}/package-lock.json names (only the first time takes long)")
    _run(node, [*node.npm, "ci", "--prefix", str(folder), *_QUIET])


def is_installed(lock: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether `found`, npm's note of what it has installed, has all that `lock` names for here."""
    there: Mapping[str, Any] = found.get("packages", {})
    for place, package in lock["packages"].items():
        # What is of other systems alone is not there, and need not be.
        if not place or package.get("optional"):
            continue
        if there.get(place, {}).get("version") != package["version"]:
            return False
    return True


def digest(root: Path = WEB) -> str:
    """Of all that the built pages depend on."""
    told = hashlib.sha256()
    for file in sources(root):
        told.update(f"{file.relative_to(root)}\0".encode())
        told.update(hashlib.sha256(file.read_bytes()).digest())
    return told.hexdigest()


def sources(root: Path) -> list[Path]:
    """The files of which the pages are built: tests are none."""
    found = [file for folder in ("src", "public") for file in (root / folder).rglob("*")]
    found += [root / name for name in _SOURCES]
    return sorted(file for file in found if file.is_file() and ".test." not in file.name)


def _read(file: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return told


def _run(node: Node, command: Sequence[str]) -> None:
    done = node.run(command)
    if done.returncode:
        raise NotBuilt(f"{done.stdout.rstrip()}\n`{' '.join(command[-3:])}` failed in web/")


@contextmanager
def alone() -> Iterator[None]:
    """One at a time builds, fetches and installs: two of `make run` may begin together."""
    FETCHED.mkdir(exist_ok=True)
    with (FETCHED / "web.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main(sys.argv[1:])
