"""The operator's words as a file in YAML, read whole or not at all.

::

    rules:
      - action: mask                  # or refuse
        words: [a word, another word]
      - action: refuse
        whole_words: true             # not where a letter or digit of an alphabet stands beside one
        words: [third]
"""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from chat_service.operator_yaml import bad_file, parsed
from chat_service.words.domain.legible import visible
from chat_service.words.domain.word_filter import MASK, Action, Rule, WordFilter
from parley.bounds import is_joined_line
from servicekit.file_parts import FilePart
from servicekit.operator_file import Reading

#: In one file, and characters of each.
MOST: Final = 50_000
MOST_CHARACTERS: Final = 64
# What words begin with is kept in memory, some hundred bytes for each byte of the file.
_MOST_BYTES: Final = 1024 * 1024


class _Rule(FilePart):
    action: Literal["mask", "refuse"]
    words: Annotated[list[str], Field(min_length=1)]
    whole_words: bool = False


class _File(FilePart):
    rules: list[_Rule]


def read_words(reading: Reading, path: Path) -> WordFilter:
    """What the file says. Raises BadFile, with the line and the field of what is wrong, and no word."""
    file, lines = parsed(_File, reading.text(path, _MOST_BYTES))
    if sum(len(rule.words) for rule in file.rules) > MOST:
        raise bad_file([(("rules",), f"more than {MOST} words")], lines)
    problems: list[tuple[tuple[str | int, ...], str]] = []
    rules: list[Rule] = []
    for number, group in enumerate(file.rules):
        for at, said in enumerate(group.words):
            word = said.strip()
            if why := _wrong(word):
                problems.append((("rules", number, "words", at), why))
            rules.append(Rule(word, Action(group.action), whole=group.whole_words))
    if problems:
        raise bad_file(problems, lines)
    return WordFilter(rules)


def _wrong(word: str) -> str:
    if not 1 <= len(word) <= MOST_CHARACTERS:
        return f"a word has 1 to {MOST_CHARACTERS} characters"
    if not is_joined_line(word) or not visible(word):
        return "there is a character in it that cannot be seen"
    return "masks are made of asterisks" if "*" in word or MASK in word else ""
