"""What is proved of the pages without running them: types, lint, unused code, sizes.

Their own tests are in `make test`, by tools/tests/test_web_vitest.py.
`--fix` formats them instead, and mends what the linter can. Where there is no Node yet it is fetched.
"""

import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tools.node import WEB, Node, NoNode
from tools.web import DIST, NotBuilt, build, installed

# Of JavaScript, before a first screen can be shown; what is loaded later does not count.
FIRST_LOAD_KB = 200
LINES = 250

_COMMANDS = (
    ("types", ("tsc", "--noEmit")),
    ("lint and format", ("biome", "check", "--error-on-warnings")),
    ("unused code", ("knip", "--no-progress")),
)


def main(arguments: list[str]) -> None:
    try:
        node = installed()
        if arguments == ["--fix"]:
            local(node, "biome", "check", "--write")
            return
        build()
    except (NoNode, NotBuilt, OSError) as error:
        sys.exit(str(error))
    found = [*failures(node), *long_files(), *too_large(DIST), *circles(DIST)]
    sys.exit("\n".join(found) or 0)


def failures(node: Node) -> Iterator[str]:
    """What each tool of the pages' has found."""
    for name, command in _COMMANDS:
        said = local(node, *command)
        if said is not None:
            yield f"{name}:\n{said}"


def local(node: Node, program: str, *arguments: str) -> str | None:
    """What a program of web/node_modules says where it fails."""
    done = node.run(["node", str(_script(program)), *arguments], NO_COLOR="1", CI="1")
    return done.stdout.rstrip() if done.returncode else None


def _script(program: str) -> Path:
    return (WEB / "node_modules" / ".bin" / program).resolve()


def long_files() -> Iterator[str]:
    """The files of the pages that are longer than anybody reads."""
    for folder in ("src", "tools"):
        for file in sorted((WEB / folder).rglob("*")):
            if file.suffix not in (".ts", ".tsx", ".css", ".mjs") or "node_modules" in file.parts:
                continue
            if file.name == "schema.d.ts":
                continue
            count = len(file.read_text(encoding="utf-8").splitlines())
            if count > LINES:
                yield f"{file.relative_to(WEB)}: {count} lines, {LINES} at most"


def first_load(dist: Path) -> dict[str, int]:
    """The scripts that a browser fetches before the first screen, with their bytes as gzip."""
    pending = re.findall(r'(?:src|href)="/([^"]+\.js)"', (dist / "index.html").read_text())
    found: dict[str, int] = {}
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found[name] = len(gzip.compress((dist / name).read_bytes(), 9, mtime=0))
        pending += imports(dist / name)
    return found


def imports(script: Path) -> list[str]:
    """What a built script imports before it runs: `import(…)` is for later."""
    found = re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', script.read_text(encoding="utf-8"))
    return [f"assets/{one}" for one in found]


def circles(dist: Path) -> Iterator[str]:
    """One line for each built script that needs itself to run first: it meets names without values."""
    of = {f"assets/{file.name}": imports(file) for file in (dist / "assets").glob("*.js")}
    for script in sorted(of):
        pending, seen = list(of[script]), set[str]()
        while pending:
            if (name := pending.pop()) not in seen:
                seen.add(name)
                pending += of.get(name, ())
        if script in seen:
            yield f"{script} imports itself, by {', '.join(sorted(of[script]))}"


def too_large(dist: Path) -> Iterator[str]:
    """One line if the first load is over its budget."""
    sizes = first_load(dist)
    whole = sum(sizes.values()) / 1024
    if not sizes or whole > FIRST_LOAD_KB:
        yield f"first load: {whole:.0f} kB of JavaScript, {FIRST_LOAD_KB} at most: {json.dumps(sizes)}"


if __name__ == "__main__":
    main(sys.argv[1:])
