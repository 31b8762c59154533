"""The operator's file of words: read whole or not at all, and what is wrong has a line and shows no word."""

from pathlib import Path

import pytest

from chat_service.words.domain.word_filter import WordFilter
from chat_service.words.operators.words import WordsInForce
from chat_service.words.operators.words_file import MOST, read_words
from servicekit.operator_file import BadFile, Reading

RULES = """rules:
  - action: mask
    words: [Bad, 坏词]
  - action: refuse
    whole_words: true
    words:
      - ' awful '
      - می\u200cخواهم
"""


def read(folder: Path, raw: str) -> WordFilter:
    path = folder / "words.yaml"
    path.write_text(raw, encoding="utf-8")
    return read_words(Reading(), path)


def test_all_that_is_said_is_read(tmp_path: Path) -> None:
    words = read(tmp_path, RULES)
    assert (len(words), words.longest) == (4, 7)
    assert words.masked("a bad 坏词") == "a ＊＊＊ ＊＊"
    assert words.scan("how awful!", ended=True).refused
    assert words.scan("می\u200cخواهم", ended=True).refused
    assert not words.scan("how awfully", ended=True).refused


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("rules:\n  - action: drop\n    words: [secret]\n", "line 2: rules 1 action"),
        ("rules:\n  - action: mask\n    words: []\n", "line 3: rules 1 words"),
        ("rules:\n  - action: mask\n    words: [secret, 5]\n", "line 3: rules 1 words 2"),
        ("rules:\n  - action: mask\n    words: ['  ']\n", "line 3: rules 1 words 1: a word has 1"),
        ("rules:\n  - action: mask\n    words: [secret*]\n", "masks are made of asterisks"),
        (f"rules:\n  - action: mask\n    words: [{'x' * 65}]\n", "a word has 1 to 64"),
        ('rules:\n  - action: mask\n    words: ["a\\tb"]\n', "cannot be seen"),
        ('rules:\n  - action: mask\n    words: ["\ufe0f"]\n', "cannot be seen"),
        ("rules:\n  - action: mask\n    word: [secret]\n", "line 2: rules 1 words"),
        ("", "line 1: it is empty"),
        (
            "rules:\n  - action: mask\n    words: [" + "a," * (MOST + 1) + "]\n",
            f"more than {MOST} words",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_line_and_without_a_word(
    tmp_path: Path, raw: str, problem: str
) -> None:
    with pytest.raises(BadFile) as refused:
        read(tmp_path, raw)
    assert problem in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_the_words_in_force_are_those_of_the_last_file_that_was_right(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text(RULES, encoding="utf-8")
    in_force = WordsInForce(path)
    words = in_force()
    assert words is not None
    path.write_text("rules: 1\n", encoding="utf-8")
    await in_force.look()
    assert in_force() is words
    with pytest.raises(BadFile):
        await in_force.probe()
    path.write_text("rules: []\n", encoding="utf-8")
    await in_force.look()
    await in_force.probe()
    none = in_force()
    assert none is not None
    assert none.masked("bad") == "bad"
    assert WordsInForce(None)() is None
