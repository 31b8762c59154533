"""Generates proto/src from the .proto files, or proves that it is fresh."""

import filecmp
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.members import BIN, ROOT

SOURCES = ROOT / "proto"
GENERATED = SOURCES / "src"


def main(arguments: list[str]) -> None:
    if arguments != ["--check"]:
        for stale in generated_files(GENERATED):
            (GENERATED / stale).unlink()
        generate(GENERATED)
        return
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        wanted = generated_files(fresh)
        _, differing, missing = filecmp.cmpfiles(fresh, GENERATED, wanted, shallow=False)
        surplus = sorted(set(generated_files(GENERATED)) - set(wanted))
    found = [f"proto/src/{name}: stale" for name in [*differing, *missing]]
    found += [f"proto/src/{name}: no .proto makes it" for name in surplus]
    sys.exit("\n".join(found) or 0)


def generate(target: Path) -> None:
    files = sorted(file.relative_to(SOURCES) for file in SOURCES.glob("parley/**/*.proto"))
    with_service = [
        file
        for file in files
        if re.search(r"^service\s", (SOURCES / file).read_text(), re.MULTILINE)
    ]
    protoc(files, f"--python_out={target}", f"--mypy_out=quiet:{target}")
    protoc(
        with_service, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet,only_async:{target}"
    )


def protoc(files: list[Path], *outputs: str) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I", ".", *outputs, *map(str, files)]
    # The plugins that write the stubs are found on the PATH.
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(command, cwd=SOURCES, env=environment, check=True)


def generated_files(folder: Path) -> list[str]:
    return sorted(
        str(file.relative_to(folder))
        for pattern in ("**/*_pb2.py*", "**/*_pb2_grpc.py*")
        for file in folder.glob(pattern)
        if file.suffix in {".py", ".pyi"}
    )


if __name__ == "__main__":
    main(sys.argv[1:])
