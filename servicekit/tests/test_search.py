"""What is searched is found, in any script, and shown where it stands."""

from collections.abc import Iterator
from unicodedata import category, normalize
from uuid import UUID

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.embedded.postgres import EmbeddedPostgres
from chassis.ids import new_id
from servicekit.folding import _fold, fold, marks
from servicekit.search import (
    SNIPPET,
    _word,
    asks_for,
    label_lexeme,
    lexemes_of,
    owner_lexeme,
    query_of,
)

# Every kind of character that folding changes, drops or puts together.
_ODD = (
    "aZ09 éße\u0301\u00ad\u200b\ufe0f\u0345_-.'\\:*&|!()<>\n雪中国語ー々〆がか\u3099ﾊﾟｱ・、，"
    "한글\u1112\u1161\u11abㄱㅏไทย\u0e33ﷺ㌖①ﬁİΣςǰ🎉👩\u200d💻क्षि〇①\U00020000"
)
TEXTS = st.text(st.sampled_from(_ODD) | st.characters(exclude_categories=["Cs"]), max_size=80)
# Where no character is cut into halves: what joins the one before is no beginning.
_STARTS = st.text(st.sampled_from("ab9 雪中国ーがハ한글กข_.'"), min_size=1, max_size=60)


def found(text: str, sought: str) -> bool:
    query = query_of(sought)
    assert query is not None
    return query.find(text) is not None


def is_candidate(connection: psycopg.Connection, text: str, sought: str) -> bool:
    """Whether an index offers it."""
    query = query_of(sought)
    assert query is not None
    asked = "SELECT array_to_tsvector(%s::text[]) @@ (%s::tsquery && %s::tsquery)"
    owner = new_id()
    lexemes = [owner_lexeme(owner), *lexemes_of(text)]
    row = connection.execute(
        asked, (lexemes, asks_for(owner_lexeme(owner)), query.tsquery)
    ).fetchone()
    assert row is not None
    return bool(row[0])


@pytest.fixture(scope="module")
def postgres(embedded_postgres: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(embedded_postgres.admin_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("Ein schöner STRASSENTAG", "straßen"),
        ("Ein schöner Tag", "SCHO\u0308N"),
        ("今日は雪が降る", "雪"),
        ("今日は雪が降る", "雪が"),
        ("我在用Python写代码", "python写"),
        ("我在用Python写代码", "写代"),
        ("ﾊﾟﾝを食べる", "パン"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("한국어를 배운다", "국어"),
        ("ภาษาไทย", "ไทย"),
        ("co\u00adoper\u200bate", "cooperate"),
        ("self._open(transaction)", "_open(tr"),
        ("a = b => c", "=>"),
        ("it's O'Brien's \\ back", "o'br \\"),
        ("Ὀδυσσεύς", "ὀδυσσεΎΣ"),
        ("x" * 500, "x" * 400),
        ("hurray 🎉", "🎉"),
        ("one two three", "three one"),
    ],
)
def test_what_stands_there_is_found_however_it_is_written(
    postgres: psycopg.Connection, text: str, sought: str
) -> None:
    assert found(text, sought)
    assert is_candidate(postgres, text, sought)


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("a foobar", "bar"),
        ("foo bar", "foo.bar"),
        ("one two", "one three"),
        ("日本語", "本日"),
        ("2026年", "26年"),
        ("", "x"),
    ],
)
def test_what_does_not_stand_there_is_not_found(text: str, sought: str) -> None:
    assert not found(text, sought)


@pytest.mark.parametrize(
    ("lexemes_text", "sought", "expected"),
    [("foo baz", "bar", False), ("foobar", "foo", True), ("foobar baz", "foo.baz", False)],
)
def test_the_index_offers_no_row_without_the_words(
    postgres: psycopg.Connection, lexemes_text: str, sought: str, expected: bool
) -> None:
    assert is_candidate(postgres, lexemes_text, sought) is expected


@given(TEXTS)
def test_folding_again_changes_nothing_and_normal_forms_make_no_difference(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert fold(normalize("NFC", text)) == folded


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 31])
def test_no_character_that_begins_a_piece_becomes_one_with_what_stands_before_it(step: int) -> None:
    joining = marks().joining
    # One of each kind to which something may be added.
    befores = [*"aがかᄀ가ᅡकΑﾊㄱ", "\u0cca", "\u1b05", "\u0e48"]
    folds = [_fold(before) for before in befores]
    broken = [
        hex(point)
        # Of what is beyond, nothing is ever folded.
        for point in (*range(0xD800), *range(0xE000, 0x32000), *range(0xE0000, 0xE0200))[::step]
        if (character := chr(point)) not in joining
        if _fold("".join(f"{before}{character}\n" for before in befores))
        != "".join(f"{folded}{_fold(character)}\n" for folded in folds)
    ]
    assert broken == []


@given(data=st.data(), before=TEXTS, text=_STARTS, behind=TEXTS)
def test_any_part_that_begins_where_a_word_or_a_sign_begins_is_found_and_shown(
    postgres: psycopg.Connection, data: st.DataObject, before: str, text: str, behind: str
) -> None:
    whole = f"{before} {text} {behind}"
    start = data.draw(st.integers(0, len(text) - 1))
    spaceless = "雪中国ーがハ한글กข"
    while (
        start > 0
        and text[start] not in spaceless
        and (text[start - 1].isalnum() and text[start - 1] not in spaceless)
    ):
        start -= 1
    part = text[start : data.draw(st.integers(start + 1, len(text)))]
    query = query_of(part)
    if query is None:
        assert not part.strip()
        return
    assert is_candidate(postgres, whole, part)
    match = query.find(whole)
    assert match is not None
    assert match.snippet in whole
    assert len(match.snippet) <= SNIPPET
    assert match.hits
    last = 0
    for begin, end in match.hits:
        assert last <= begin < end <= len(match.snippet)
        last = end
        shown = fold(match.snippet[begin:end])
        assert any(term in shown or shown in term for term in query.terms)


@given(text=TEXTS, sought=TEXTS)
def test_whatever_the_text_has_the_index_has(
    postgres: psycopg.Connection, text: str, sought: str
) -> None:
    sought = sought.replace("\0", "")
    if query_of(sought) is not None and found(text, sought):
        assert is_candidate(postgres, text, sought)


def test_a_snippet_begins_before_the_first_hit_and_marks_every_one_in_it() -> None:
    text = "x" * 500 + " cat, a CAT and ﬁne caterpillars; " + "y" * 500
    query = query_of("Cat fine")
    assert query is not None

    match = query.find("a title", text)

    assert match is not None
    assert len(match.snippet) == SNIPPET
    marked = [match.snippet[start:end] for start, end in match.hits]
    assert marked == ["cat", "CAT", "ﬁne", "cat"]


def test_a_hit_in_the_first_of_the_texts_is_shown_there() -> None:
    query = query_of("cat")
    assert query is not None

    match = query.find("A cat", "another cat")

    assert match is not None
    assert (match.snippet, match.hits) == ("A cat", ((2, 5),))


def test_offsets_count_characters_of_the_text_not_of_its_fold() -> None:
    text = "ﷺ ㌖ " * 100 + "雪"
    query = query_of("雪")
    assert query is not None

    match = query.find(text)

    assert match is not None
    ((start, end),) = match.hits
    assert match.snippet[start:end] == "雪"
    assert match.snippet.endswith("㌖ 雪")


@pytest.mark.parametrize(
    "marks", ["\u0301\u0323", "\u0f73", "\uff9e\u0301", "\U0001d165\U0001d16d"]
)
def test_a_letter_has_thirty_marks_and_those_behind_are_unseen(marks: str) -> None:
    """Put in order all of them they would take minutes, in which nothing else is done."""
    text = "a" + marks * (200_000 // len(marks)) + " tea"
    query = query_of("tea")
    assert query is not None

    match = query.find(text)

    assert match is not None
    ((start, end),) = match.hits
    assert match.snippet[start:end] == "tea"
    assert len(fold(text)) <= len("a tea") + 30
    assert fold(fold(text)) == fold(text)


def test_a_letters_thirtieth_mark_stays_and_the_next_goes_wherever_the_letter_stands() -> None:
    below = "\u0316"
    for at in range(64):
        before = "-" * at + "a"
        assert fold(f"{before}{below * 30} tea") == f"{before}{below * 30} tea", at
        assert fold(f"{before}{below * 31} tea") == f"{before}{below * 30} tea", at


def test_a_text_of_too_many_words_is_a_candidate_always(postgres: psycopg.Connection) -> None:
    text = " ".join(f"word{number}" for number in range(1000))
    lexemes = lexemes_of(text, most_bytes=1000)
    query = query_of("word999")
    assert query is not None

    row = postgres.execute(
        "SELECT array_to_tsvector(%s::text[]) @@ %s::tsquery", (lexemes, query.tsquery)
    ).fetchone()

    assert lexemes == ["*"]
    assert row == (True,)


@pytest.mark.parametrize(
    "text",
    [
        "".join(map(chr, range(0x4E00, 0x9FFF))) * 4 + "".join(map(chr, range(0x20000, 0x24000))),
        "".join(map(chr, range(0x20000, 0x2A000))) + "".join(map(chr, range(0x29FFF, 0x1FFFF, -1))),
        "ﷺ1" * 50_000,
        " ".join(f"\U00010428{number}" for number in range(14_000)),
    ],
)
def test_the_worst_texts_fit_into_the_index(postgres: psycopg.Connection, text: str) -> None:
    lexemes = lexemes_of(text[:100_000])

    row = postgres.execute("SELECT length(array_to_tsvector(%s::text[]))", (lexemes,)).fetchone()

    assert row == (len(lexemes),)


def test_blanks_alone_search_nothing() -> None:
    assert query_of(" \u3000\u00ad\n") is None


def test_a_label_is_found_in_any_case_whatever_is_in_it(postgres: psycopg.Connection) -> None:
    for label, sought in (
        ("To Do", "to do"),
        ("it's \\ & | ! :*", "IT'S \\ & | ! :*"),
        ("雪", "雪"),
    ):
        row = postgres.execute(
            "SELECT array_to_tsvector(%s::text[]) @@ %s::tsquery",
            ([label_lexeme(label)], asks_for(label_lexeme(sought))),
        ).fetchone()
        assert row == (True,), label


def test_every_sign_of_a_word_is_taken_for_one_by_either_half_of_the_pattern() -> None:
    word = _word()
    missed = [
        hex(point)
        for point in (*range(0x300, 0xD800), *range(0xE000, 0x20000))
        if category(sign := chr(point))[0] in "LMN" and not word.fullmatch(f"a{sign}b")
    ]
    assert missed == []


def test_what_was_stored_is_found_for_ever() -> None:
    """Lexemes are in databases: those that are made otherwise find nothing of what is there."""
    text = "The quick_brown fox, 狐狸 and 12 naïve dogs: STRASSE, ｶﾞ."
    words = ["and", "brown", "dogs", "fox", "naïve", "quick", "strasse", "the"]
    assert sorted(lexemes_of(text)) == ["12", *words, "ガ", "狐", "狐狸", "狸"]
    assert lexemes_of(text, most_bytes=1) == ["*"]
    assert label_lexeme("Zürich Süd") == "#zürich süd"
    assert owner_lexeme(UUID(int=1)) == "@00000000-0000-0000-0000-000000000001"
