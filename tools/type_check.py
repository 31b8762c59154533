"""Runs mypy over every source, test and tool, all at once.

mypy names a module after its path, and a folder such as `auth-service` is no Python name. So the
tests of each member are a package of their own beneath `.mypy_cache`, by a link: `auth_service_tests`.
"""

import os
import subprocess
import sys
from pathlib import Path

from tools.members import BIN, ROOT, Member, members

_CACHE = ROOT / ".mypy_cache"
_TESTS = _CACHE / "tests"


def main() -> None:
    tested = [member for member in members() if any(member.folder.glob("tests/**/*.py"))]
    linked = {link(member): member.folder / "tests" for member in tested}
    paths = [ROOT / "conftest.py", *(member.folder / "src" for member in members())]
    paths += [ROOT / "tools", ROOT / "tests", ROOT / "bench", *linked]
    command = [
        str(BIN / "mypy"),
        "--no-error-summary",
        "--cache-dir",
        str(_CACHE),
        *map(str, paths),
    ]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(_TESTS)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        print(where_it_is(line, linked))
    sys.exit(done.returncode)


def link(member: Member) -> Path:
    """The package that the tests of a member are, for mypy."""
    name = str(member.folder.relative_to(ROOT)).replace("/", "_").replace("-", "_")
    package = _TESTS / f"{name}_tests"
    if not package.is_symlink():
        _TESTS.mkdir(parents=True, exist_ok=True)
        package.symlink_to(os.path.relpath(member.folder / "tests", _TESTS))
    return package


def where_it_is(line: str, linked: dict[Path, Path]) -> str:
    """What mypy says, of the file that an editor finds."""
    for package, folder in linked.items():
        line = line.replace(str(package.relative_to(ROOT)), str(folder.relative_to(ROOT)))
    return line


if __name__ == "__main__":
    main()
