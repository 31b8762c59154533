import pytest

from tools.long_files import is_too_long

PLAIN = '"""What it does."""\n'
TOLD = '"""What it does.\n\nIts parts share all they know, and so it is longer\nthan others.\n"""\n'


@pytest.mark.parametrize(
    ("name", "source", "lines", "too_long"),
    [
        ("notes-service/src/notes_service/mapping.py", PLAIN, 300, False),
        ("notes-service/src/notes_service/mapping.py", PLAIN, 301, True),
        ("notes-service/src/notes_service/mapping.py", TOLD, 301, False),
        ("notes-service/src/notes_service/mapping.py", "", 301, True),
        ("notes-service/tests/test_notes.py", PLAIN, 500, False),
        ("tests/test_notes.py", PLAIN, 501, True),
        ("tests/test_notes.py", TOLD, 501, False),
        # About tests, and none itself.
        ("chassis/src/chassis/testing/room.py", PLAIN, 301, True),
    ],
)
def test_a_long_file_tells_why_it_is_one(
    name: str, source: str, lines: int, too_long: bool
) -> None:
    filled = source + "x = 1\n" * (lines - len(source.splitlines()))
    assert is_too_long(name, filled) is too_long
