"""Runs mypy over every source, test and tool.

mypy names a module after its path, and a folder such as `auth-service` is no
Python name: the test modules of two such members would be one module to it.
So their tests are checked member by member, after everything else.
"""

import subprocess
import sys
from pathlib import Path

from tools.members import BIN, ROOT, members


def main() -> None:
    together = ["conftest.py", *filled("tools", "tests", "bench")]
    apart = []
    for member in members():
        folder = member.folder.relative_to(ROOT)
        together.append(f"{folder}/src")
        tests = filled(f"{folder}/tests")
        if all(part.isidentifier() for part in folder.parts):
            together += tests
        else:
            apart += [[*tests, f"{folder}/src"]] if tests else []
    failures = [paths for paths in [together, *apart] if not clean(paths)]
    sys.exit(1 if failures else 0)


def filled(*folders: str) -> list[str]:
    return [name for name in folders if any((ROOT / name).rglob("*.py"))]


def clean(paths: list[str]) -> bool:
    command: list[str | Path] = [BIN / "mypy", "--no-error-summary", "--num-workers", "2", *paths]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    main()
