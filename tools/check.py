"""Everything that is proved without running the product: `make check`.

The parts run two at a time, the long ones first. Each that fails says what it
found and how it is mended; the others still run.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from tools.members import BIN, ROOT


@dataclass(frozen=True, slots=True)
class Part:
    """One check: what is wrong when `command` fails, and what to do about it."""

    name: str
    command: tuple[str, ...]
    mend: str


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"tools.{name}", *arguments)


def ruff(*arguments: str) -> tuple[str, ...]:
    return (str(BIN / "ruff"), *arguments, "--quiet", "--output-format", "concise")


PARTS = (
    Part("types", tool("type_check"), "correct the types named above"),
    Part("the pages: types, lint, size", tool("web_check"), "`make fmt`, then what it leaves"),
    Part(
        "each member installed alone",
        tool("alone"),
        "declare the dependency in that member's pyproject.toml, then `make lock`",
    ),
    Part(
        "the lock is current and names no address",
        tool("lock", "--check"),
        "`make lock`",
    ),
    Part(
        "who imports whom",
        (str(BIN / "lint-imports"), "--no-cache", "--no-logo"),
        "take the import out; the contracts are in pyproject.toml, the reasons in ARCHITECTURE.md",
    ),
    Part(
        "docs/settings.md is current",
        tool("settings_table", "--check"),
        "`make settings`",
    ),
    Part("lint", ruff("check"), "`make fmt`, then what it leaves"),
    Part("format", ruff("format", "--check"), "`make fmt`"),
    Part("statements name their columns", tool("named_columns"), "name them, see ARCHITECTURE.md"),
    Part("what was proved with a version", tool("proved"), "see docs/decisions/0015"),
    Part("generated code is fresh", tool("generate_proto", "--check"), "`make proto`"),
    Part(
        "the API's types of the pages are fresh", tool("web_types", "--check"), "`make web-types`"
    ),
    Part(
        "contracts' style",
        (str(BIN / "buf"), "lint", "proto"),
        "correct the .proto files named above",
    ),
    Part("long files tell why", tool("long_files"), "part it, or say why it is longer than others"),
)


def main() -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = [pool.submit(run, part) for part in PARTS]
        failed = [part for future in as_completed(running) for part in future.result()]
    took = f"{time.monotonic() - started:.0f} s"
    if failed:
        sys.exit(
            f"check: {len(failed)} of {len(PARTS)} parts failed in {took}: {', '.join(failed)}"
        )
    print(f"check: all {len(PARTS)} parts passed in {took}")


def run(part: Part) -> list[str]:
    """Run it and print its result in one piece; its name, if it failed."""
    started = time.monotonic()
    done = subprocess.run(
        part.command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    took = f"{time.monotonic() - started:.1f} s"
    if done.returncode == 0:
        print(f"ok    {part.name} ({took})", flush=True)
        return []
    print(
        f"FAIL  {part.name} ({took})\n{done.stdout.rstrip()}\n      to mend: {part.mend}",
        flush=True,
    )
    return [part.name]


if __name__ == "__main__":
    main()
