"""Copies of the repository, in which faults are put in; the tree itself is only read."""

import os
import shutil
import subprocess
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tools.members import BIN, ROOT, members
from tools.mutants.sample import Mutant

FOLDER = ROOT / ".mutants"
#: Newer than each file of a copy, and never the same: bytecode of one mutant is not another's.
_MTIMES = count(int(time.time()) + 10)


def refresh(number: int) -> Path:
    """The copy of that number, as the tree is now, with an environment of its own.

    Its members are its own, so that a process which a test starts has the fault as well. What
    others have made is taken from the environment of the tree.
    """
    copy = FOLDER / str(number)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    wanted = {Path(name) for name in listed.stdout.decode().split("\0") if name}
    wanted = {name for name in wanted if (ROOT / name).is_file()}
    for name in wanted:
        _bring(ROOT / name, copy / name)
    for file in list(copy.rglob("*.py")):
        inside = file.relative_to(copy)
        if inside.parts[0] != ".venv" and inside not in wanted:
            file.unlink()
    _make_environment(copy)
    return copy


def python(copy: Path) -> Path:
    return copy / ".venv" / "bin" / "python"


@contextmanager
def put_in(mutant: Mutant, copy: Path) -> Iterator[None]:
    """For as long as the block lasts, the copy has that fault."""
    file = copy / mutant.file
    original, times = file.read_text(), file.stat()
    mtime = next(_MTIMES)
    file.write_text(mutant.place.code())
    os.utime(file, (mtime, mtime))
    try:
        yield
    finally:
        file.write_text(original)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def _bring(source: Path, target: Path) -> None:
    # What is as it was keeps its bytecode.
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _make_environment(copy: Path) -> None:
    environment = copy / ".venv"
    if not environment.exists():
        venv.create(environment, symlinks=True)
    for program in BIN.iterdir():
        if not (environment / "bin" / program.name).exists():
            (environment / "bin" / program.name).symlink_to(program)
    paths = sysconfig.get_paths(vars={"base": str(environment), "platbase": str(environment)})
    lines = [str(copy / member.folder.relative_to(ROOT) / "src") for member in members()]
    # The path files of that folder, which lead to the tree's own members, are not read from here.
    lines.append(sysconfig.get_paths()["purelib"])
    (Path(paths["purelib"]) / "members.pth").write_text("\n".join(lines) + "\n")
