"""What the type checker notices."""

from pathlib import Path

from tools.mutants.copies import put_in, python
from tools.mutants.sample import Mutant
from tools.mutants.watched import watch


def type_errors(mutant: Mutant, copy: Path) -> str:
    """What the type checker says of a copy with the fault in; nothing if it has not noticed."""
    command = [str(python(copy)), "-m", "mypy", "--config-file", "pyproject.toml"]
    with put_in(mutant, copy):
        status, output = watch([*command, str(mutant.file)], copy, limit=600)
    if status not in (0, 1):
        raise RuntimeError(f"the type checker ended with {status}: {output[-2000:]}")
    return output[-4000:] if status else ""
