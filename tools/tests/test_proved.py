"""The guard over what was proved with one version of a library."""

import pytest

from tools.members import LOCK
from tools.proved import PROOFS, Proof, unproved

PROOF = Proof("psycopg", "3.3", "a pipeline", "run the tests")


@pytest.mark.parametrize("version", ["3.4.0", "3.30.1", "4.3.3", "3.2.9"])
def test_another_minor_version_names_what_to_prove_again(version: str) -> None:
    lock = f"psycopg-binary==3.3.9 \\\npsycopg=={version} \\\n    --hash=sha256:00\n"
    (line,) = unproved(lock, [PROOF])
    assert version in line
    assert "a pipeline" in line
    assert "run the tests" in line


def test_a_package_that_is_gone_is_to_be_looked_at() -> None:
    assert len([*unproved("psycopg-binary==3.3.9 \\\n", [PROOF])]) == 1


def test_a_newer_patch_is_proved() -> None:
    assert [*unproved("psycopg==3.3.12 ; python_version < '4' \\\n", [PROOF])] == []


def test_the_lock_has_what_was_proved() -> None:
    assert [*unproved(LOCK.read_text(), PROOFS)] == []
