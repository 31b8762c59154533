import base64
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from parley_local.state import State, StateError
from parley_local.topology import MEMBERS


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_everything_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".data"
    state = State(folder)
    state.open()
    state.prepare()
    made = files_of(folder)
    [signing_key] = state.signing_keys.iterdir()
    assert isinstance(load_pem_private_key(signing_key.read_bytes(), None), Ed25519PrivateKey)
    assert len(base64.b64decode(state.vault_key.read_text())) == 32
    assert {f"tls/{member.name}.pem" for member in MEMBERS} <= made.keys()
    assert state.passwords("notes").keys() == {"owner", "app", "worker"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "tls").stat().st_mode) == 0o700
    assert stat.S_IMODE(state.signing_keys.stat().st_mode) == 0o700
    for name in made:
        if not name.endswith(".pem") or name.startswith("signing_keys/"):
            assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    state.close()

    again = State(folder)
    again.open()
    again.prepare()
    assert files_of(folder) == made
    again.close()


def test_the_one_signing_key_of_an_earlier_version_is_the_first_of_several(tmp_path: Path) -> None:
    state = State(tmp_path / ".data")
    state.open()
    state.prepare()
    [first] = state.signing_keys.iterdir()
    content = first.read_bytes()
    first.replace(state.directory / "signing.pem")
    state.signing_keys.rmdir()

    state.prepare()

    assert [path.read_bytes() for path in state.signing_keys.iterdir()] == [content]
    assert not (state.directory / "signing.pem").exists()
    state.close()


def test_a_second_runner_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    first, second = State(tmp_path / ".data"), State(tmp_path / ".data")
    first.open()
    for refused in (second.open, second.claim):
        with pytest.raises(StateError, match=f"already runs in .*: process {os.getpid()}, since"):
            refused()
    first.close()
    second.open()
    second.close()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "process unknown"),
        ("{", "process unknown"),
        ("[1]", "process unknown"),
        ('{"pid": 4711, "since": 1e300, "url": "x"}', "process unknown"),
        ("4711\n", "process 4711"),  # an earlier version's
        ('{"pid": 4711, "since": 0, "url": "http://[::1]:8000"}', "at http://[::1]:8000"),
    ],
)
def test_whatever_stands_in_the_lock_who_has_it_is_refused(
    written: str, told: str, tmp_path: Path
) -> None:
    first, second = State(tmp_path), State(tmp_path, other_port=8020)
    first.open()
    (tmp_path / "lock").write_text(written)
    with pytest.raises(StateError) as refused:
        second.claim()
    assert told in str(refused.value)
    assert "PARLEY_DATA=/some/folder GATEWAY_PORT=8020 make run" in str(refused.value)
    first.close()


def test_a_lock_that_nobody_holds_is_taken_whatever_stands_in_it(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text('{"pid": 1, "since": 0, "url": "http://127.0.0.1:8000"}')
    first, second = State(tmp_path), State(tmp_path)
    first.claim()
    with pytest.raises(StateError, match=f"process {os.getpid()}"):
        second.claim()
    first.open()
    first.close()
    second.claim()
    second.close()


def test_to_look_for_another_runner_makes_nothing(tmp_path: Path) -> None:
    State(tmp_path / ".data").claim()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".data").mkdir()
    State(tmp_path / ".data").claim()
    assert list((tmp_path / ".data").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_another_users_folder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / ".data"
    folder.mkdir()
    os.chown(folder, 12345, -1)
    state = State(folder)
    for refused in (state.open, state.claim):
        with pytest.raises(
            StateError, match=r"belongs to uid 12345, and you are root[^$]*PARLEY_DATA"
        ):
            refused()


def test_a_lock_that_cannot_be_one_is_said(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StateError, match="lock: Is a directory"):
        State(tmp_path).open()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot be made: Not a directory"):
        State(tmp_path / "file" / ".data").open()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"auth": 1}'])
def test_damaged_passwords_are_said_with_what_to_do(content: str, tmp_path: Path) -> None:
    state = State(tmp_path / ".data")
    state.open()
    state.prepare()
    (state.directory / "passwords.json").write_text(content)
    with pytest.raises(StateError, match=r"passwords\.json is damaged[^$]*remove"):
        state.prepare()
    state.close()


def test_a_file_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    state = State(tmp_path / ".data")
    state.open()
    (state.directory / "tls").write_text("in the way")
    with pytest.raises(StateError, match=r"tls: (File exists|Not a directory)"):
        state.prepare()
    state.close()


def test_ports_are_remembered(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert state.remembered_port("demo") is None
    state.remember_port("demo", 8001)
    assert State(tmp_path).remembered_port("demo") == 8001
