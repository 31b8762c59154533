"""A file of the operator's: taken as a whole, looked at again, and read anew at SIGHUP."""

import os
import signal
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chassis.testing import eventually, sample
from servicekit.operator_file import BadFile, FileMetrics, OperatorFile, Reading, read_toml

METRICS = FileMetrics("test_operator_file", "words")
Words = OperatorFile[tuple[str, ...]]


def read(reading: Reading, path: Path) -> tuple[str, ...]:
    words = tuple(reading.text(path, 100).split())
    if "bad" in words:
        raise BadFile("line 1: a bad word")
    if "unforeseen" in words:
        raise RecursionError
    return words


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.write_text("one two")
    return path


def of(path: Path | None) -> Words:
    return OperatorFile("words", path, read, empty=(), metrics=METRICS)


async def test_without_a_path_there_is_nothing_and_nothing_to_look_at() -> None:
    words = of(None)
    await words.start()
    await words.look()
    await words.probe()
    assert words.content == ()
    await words.stop()


async def test_a_change_is_taken_and_a_wrong_one_leaves_what_was(path: Path) -> None:
    words = of(path)
    assert (words.content, sample("test_operator_file_current")) == (("one", "two"), 1)
    path.write_text("three")
    await words.look()
    assert words.content == ("three",)
    for wrong, problem in (
        ("four bad", "line 1: a bad word"),
        ("x" * 101, "more than 100 bytes: "),
        # As an editor leaves it for a moment that writes it anew.
        ("", "line 1: it is empty: "),
        ("\ufeff \n", "line 1: it is empty: "),
        (None, "No such file or directory: "),
    ):
        if wrong is None:
            path.unlink()
        else:
            path.write_text(wrong)
        await words.look()
        assert (words.content, sample("test_operator_file_current")) == (("three",), 0)
        with pytest.raises(BadFile, match=problem):
            await words.probe()
    path.write_text("five")
    await words.look()
    await words.probe()
    assert (words.content, sample("test_operator_file_current")) == (("five",), 1)


def test_what_is_written_while_it_is_read_is_read_again(path: Path) -> None:
    class Overtaken(type(path)):  # type: ignore[misc]
        """Somebody writes it anew in the moment in which it has been opened."""

        def open(self, *args: Any, **options: Any) -> Any:
            opened = BytesIO(path.read_bytes())
            path.write_text("three and more")
            return opened

    reading = Reading()
    assert reading.text(Overtaken(path), 100) == "one two"
    assert reading.is_stale()


def test_a_byte_order_mark_is_no_part_of_the_text(path: Path) -> None:
    path.write_text("\ufeffthree")
    assert of(path).content == ("three",)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [("a = 1\nsecret", "it is no TOML (at "), ("a = " + "[" * 100_000, "it is too deep")],
)
def test_of_what_is_no_toml_no_value_is_shown(raw: str, problem: str) -> None:
    with pytest.raises(BadFile) as refused:
        read_toml(raw)
    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_whatever_a_reading_raises_is_told_by_the_probe_until_it_is_mended(
    path: Path,
) -> None:
    words = of(path)
    path.write_text("unforeseen")
    with pytest.raises(RecursionError):
        await words.look()
    # It is not read again before it changes, and is not forgotten either.
    await words.look()
    with pytest.raises(BadFile, match="RecursionError"):
        await words.probe()
    assert words.content == ("one", "two")
    path.write_text("mended")
    await words.look()
    await words.probe()


def test_a_file_that_is_wrong_at_the_start_is_refused(path: Path) -> None:
    path.write_text("bad")
    with pytest.raises(BadFile, match="a bad word"):
        of(path)


@pytest_asyncio.fixture
async def started(path: Path) -> AsyncIterator[Callable[[], tuple[Words, Words]]]:
    first, second = of(path), of(path)
    await first.start()
    await second.start()
    yield lambda: (first, second)
    await first.stop()
    await second.stop()


async def test_a_hangup_is_heard_by_every_file_of_a_process(
    path: Path, started: Callable[[], tuple[Words, Words]]
) -> None:
    first, second = started()

    def taken() -> float:
        return sample("test_operator_file_reads_total", outcome="taken") or 0

    before = taken()
    os.kill(os.getpid(), signal.SIGHUP)
    await eventually(lambda: taken() == before + 2)
    # One that has stopped takes nobody else's away.
    await first.stop()
    os.kill(os.getpid(), signal.SIGHUP)
    await eventually(lambda: taken() == before + 3)
    assert (first.content, second.content) == (("one", "two"), ("one", "two"))
    # Nor does one end a process that has stopped all of them, and is at its last answers.
    await second.stop()
    os.kill(os.getpid(), signal.SIGHUP)
