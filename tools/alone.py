"""Installs each member alone and imports every module of it.

The shared virtual environment hides a dependency that a member uses and does
not declare. Here a member gets what it declares and nothing else, in versions
of requirements.lock. It is installed as a wheel, so a file that is missing from
the wheel is found as well. One environment serves all members in turn, brought
to exactly the next one's needs each time; that takes a second where a new
environment takes ten.
"""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from hatchling.build import build_wheel

from tools.members import BIN, LOCK, ROOT, Member, members, with_requirements

IMPORT_ALL = """
import importlib, pkgutil, sys, traceback

package = importlib.import_module(sys.argv[1])
names = [module.name for module in pkgutil.walk_packages(package.__path__, sys.argv[1] + ".")]
for name in names:
    try:
        importlib.import_module(name)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        sys.exit(f"{name}: {type(error).__name__}: {error} ({last.filename}:{last.lineno})")
"""


def main() -> None:
    everyone = members()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        wheels = {member.name: build(member, Path(folder)) for member in everyone}
        venv = Path(folder) / "venv"
        uv("venv", "--quiet", "--python", sys.executable, str(venv))
        python = venv / "bin" / "python"
        for member in everyone:
            needed = [wheels[m.name] for m in with_requirements(member, everyone)]
            if not install(member, needed, python):
                failed.append(f"{member.name} cannot be installed alone, see above")
                continue
            command = [str(python), "-I", "-c", IMPORT_ALL, member.package]
            # Away from the repository, so that nothing is found by lying near.
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                failed.append(f"{member.name}, installed alone: {done.stderr.strip()}")
    sys.exit("\n".join(failed) or 0)


def build(member: Member, target: Path) -> Path:
    with contextlib.chdir(member.folder), contextlib.redirect_stdout(io.StringIO()):
        return target / build_wheel(str(target))


def install(member: Member, wheels: list[Path], python: Path) -> bool:
    names = []
    for wheel in wheels:
        own = wheel.name.startswith(member.name.replace("-", "_") + "-")
        extras = f"[{','.join(member.extras)}]" if own and member.extras else ""
        names.append(f"{wheel}{extras}")
    exactly = ("--exact", "--python", str(python), "--constraints", str(LOCK))
    return uv("pip", "install", "--quiet", *exactly, *names)


def uv(*arguments: str) -> bool:
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    command = [str(BIN / "uv"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    main()
