"""Makes `.venv`: everything in requirements.lock, and every member editable on top.

Runs on the standard library alone, under whatever `python3` is. Needs Python
3.11 or newer, and either uv on the PATH or pip to fetch it with. It may be
interrupted and started again at any point: `.venv/.ready` is written last.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
FETCHED = ROOT / ".tools"
ADDRESS = re.compile(r"://|--(?:extra-)?index|--default-index|--find-links|\s@\s")
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14")


def main() -> None:
    require_python()
    # Checked before anything is fetched: an address would be where it is fetched from.
    if ADDRESS.search(LOCK.read_text(encoding="utf-8")):
        sys.exit("requirements.lock holds an address; take that line out")
    uv = find_uv() or fetch_uv()
    python = VENV / "bin" / "python"
    (VENV / ".ready").unlink(missing_ok=True)
    if not works([str(python), "-c", ""]):
        shutil.rmtree(VENV, ignore_errors=True)
        run([uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
    target = ["--quiet", "--python", str(python)]
    # The lock's digest, once all of it is installed. A sync takes the members out, so
    # it is left out where nothing changed: something may be running.
    installed = VENV / ".installed"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not installed.exists() or installed.read_text(encoding="ascii") != digest:
        say("installing what requirements.lock names (only the first time takes long)")
        run([uv, "pip", "sync", *target, "--require-hashes", "--compile-bytecode", str(LOCK)])
        installed.write_text(digest, encoding="ascii")
    editable = [part for folder in member_folders() for part in ("--editable", str(folder))]
    run([uv, "pip", "install", *target, "--no-deps", "--no-build-isolation", *editable])
    (VENV / ".ready").touch()


def require_python() -> None:
    """Go on under a newer Python of the machine's if this one is too old."""
    if sys.version_info >= (3, 11):
        return
    for name in NEWER_PYTHONS:
        newer = shutil.which(name)
        if newer and works([newer, "-c", ""]):
            os.execv(newer, [newer, *sys.argv])
    sys.exit("Parley needs Python 3.11 or newer. With one at hand: make PYTHON=/path/to/python3.11")


def member_folders() -> "list[Path]":
    files = [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("deploy/*/pyproject.toml")]
    return sorted(file.parent for file in files)


def find_uv() -> "str | None":
    fetched = str(FETCHED / "bin" / "uv")
    for candidate in (shutil.which("uv"), fetched):
        if candidate and works([candidate, "pip", "sync", "--help"]):
            return candidate
    return None


def fetch_uv() -> str:
    """Install the uv that the lock names into `.tools`, hashes checked."""
    if not works([sys.executable, "-m", "pip", "--version"]):
        sys.exit(
            "Setting up needs uv, or pip to fetch it, and "
            + sys.executable
            + " has neither.\nOn Debian or Ubuntu: apt install python3-pip"
        )
    say("fetching uv into .tools")
    stanza = re.search(r"^uv==(?:.*\\\n)+.*\n", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    if stanza is None:
        sys.exit("requirements.lock names no uv")
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as pinned:
        pinned.write(stanza.group())
        pinned.flush()
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--upgrade", "--root-user-action=ignore", "--require-hashes", "--no-deps"]
        run([*pip, "--target", str(FETCHED), "--requirement", pinned.name])
    return str(FETCHED / "bin" / "uv")


def works(command: "list[str]") -> bool:
    try:
        quiet = subprocess.DEVNULL
        return subprocess.run(command, stdout=quiet, stderr=quiet, check=False).returncode == 0
    except OSError:
        return False


def run(command: "list[str]") -> None:
    # A PYTHONPATH or an active virtual environment of the caller's is not ours.
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=ROOT, env=clean, check=False)
    if done.returncode:
        sys.exit(f"setting up failed at: {' '.join(command[:4])} … ; mend that and run make again")


def say(text: str) -> None:
    print("setup:", text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("setting up was interrupted; run make again to go on")
