"""Runs mypy over every source, test and tool.

mypy names a module after its path, and a folder such as `auth-service` is no
Python name. So the tests of each member are checked from inside the member's
own folder, as its package `tests`, after everything else has been checked from
the root.
"""

import subprocess
import sys
from pathlib import Path

from tools.members import BIN, ROOT, members


def main() -> None:
    sources = [member.folder / "src" for member in members()]
    shared = [ROOT / "conftest.py", *sources]
    clean = check(ROOT, [*shared, *filled(ROOT / "tools", ROOT / "tests", ROOT / "bench")])
    for member in members():
        if filled(member.folder / "tests"):
            clean &= check(member.folder, [member.folder / "tests"])
    sys.exit(0 if clean else 1)


def filled(*folders: Path) -> list[Path]:
    return [folder for folder in folders if any(folder.rglob("*.py"))]


def check(folder: Path, paths: list[Path]) -> bool:
    command = [
        str(BIN / "mypy"),
        "--no-error-summary",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(ROOT / ".mypy_cache"),
        *map(str, paths),
    ]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    inside = folder.relative_to(ROOT)
    for line in done.stdout.splitlines():
        # Said from the root, so that an editor finds it.
        print(f"{inside}/{line}" if folder != ROOT and line.startswith("tests") else line)
    return done.returncode == 0


if __name__ == "__main__":
    main()
