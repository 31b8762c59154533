"""Makes requirements.lock from every member's pyproject.toml, or proves it current.

The lock is universal and pinned by hashes, and it names no index, so any index
or mirror serves it.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.members import BIN, LOCK, ROOT, members
from tools.setup import ADDRESS

HEADER = "# Every version, with its hashes. Made by `make lock`; not edited by hand.\n"
NPM_LOCK = ROOT / "web" / "package-lock.json"


def main(arguments: list[str]) -> None:
    if arguments == ["--check"]:
        sys.exit("\n".join(problems()) or 0)
    LOCK.write_text(resolve(LOCK.read_text() if LOCK.exists() else "", upgrade=arguments))


def problems() -> list[str]:
    """Addresses in a lock, and a lock that no longer follows from its sources."""
    found = [f"{LOCK.name}:{line}: an address" for line in lines_with(ADDRESS, LOCK)]
    if NPM_LOCK.exists():
        resolved = re.compile(r'"resolved":\s*"\w+://')
        found += [
            f"web/{NPM_LOCK.name}:{line}: an address" for line in lines_with(resolved, NPM_LOCK)
        ]
    if not found and versions(resolve(LOCK.read_text(), upgrade=[])) != versions(LOCK.read_text()):
        found.append(f"{LOCK.name} is stale against the pyproject.toml files")
    return found


def lines_with(pattern: re.Pattern[str], file: Path) -> list[int]:
    lines = file.read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if pattern.search(line)]


def versions(lock: str) -> list[str]:
    """The lock without its hashes: an index may hold fewer files of a version than another."""
    return [line for line in lock.splitlines() if "--hash=" not in line]


def resolve(present: str, *, upgrade: list[str]) -> str:
    """The lock's text; versions in `present` are kept where they still fit.

    `upgrade` is handed to uv, e.g. ["--upgrade"] or ["--upgrade-package", "grpcio"].
    """
    everyone = members()
    wanted = []
    hidden = []
    for member in everyone:
        extras = f"[{','.join(member.extras)}]" if member.extras else ""
        wanted.append(f"./{member.folder.relative_to(ROOT).as_posix()}{extras}\n")
        hidden += ["--no-emit-package", member.name]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / LOCK.name
        output.write_text(present)
        command = [str(BIN / "uv"), "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
        command += ["--universal", "--python-version", "3.11", "--generate-hashes"]
        command += ["--no-emit-index-url", "--group", "pyproject.toml:dev", *hidden, *upgrade]
        command += ["--output-file", str(output), "-"]
        done = subprocess.run(command, cwd=ROOT, input="".join(wanted), text=True, check=False)
        if done.returncode:
            sys.exit("uv found no set of versions that fits, or could not reach an index")
        return HEADER + output.read_text()


if __name__ == "__main__":
    main(sys.argv[1:])
