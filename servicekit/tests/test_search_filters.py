"""A filter lets no text go by that has what is searched, and few that have not."""

import random
import tracemalloc
from hashlib import sha256

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.embedded.postgres import EmbeddedPostgres
from servicekit.search import query_of
from servicekit.search_filters import MASKS, SIZES, elements_of, filter_of, probe_of

_ODD = (
    "aZ09 éße\u0301\u00ad\u200b\ufe0f\u0345_-.'\\:*&|!()<>\n雪中国語ー々〆がか\u3099ﾊﾟｱ・、，"
    "한글\u1112\u1161\u11abㄱㅏไทย\u0e33ﷺ㌖①ﬁİΣςǰ🎉👩\u200d💻क्षि〇①\U00020000"
)
TEXTS = st.text(st.sampled_from(_ODD) | st.characters(exclude_categories=["Cs"]), max_size=80)


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("Ein schöner STRASSENTAG", "straßen"),
        ("今日は雪が降る", "雪が"),
        ("我在用Python写代码", "python写"),
        ("ﾊﾟﾝを食べる", "パ"),
        ("self._open(transaction)", "_open(tr"),
        ("version 3.5", ".5"),
        ("a = b => c", "=>"),
        ("x" * 500, "x" * 400),
        ("one two three", "three one"),
        ("databases", "datab"),
        ("", "*"),
    ],
)
def test_what_stands_there_is_among_what_is_kept(text: str, sought: str) -> None:
    assert elements_of(sought) <= elements_of(text)


@given(text=TEXTS, sought=TEXTS)
def test_whatever_a_text_has_its_filter_has(text: str, sought: str) -> None:
    # Most texts have nothing of another: what is cut out of it is there for sure, or begins within a word.
    for one in (sought, text[: len(sought)], text[len(text) // 3 : 2 * len(text) // 3]):
        query = query_of(one)
        if query is not None and query.find(text) is not None:
            assert elements_of(one) <= elements_of(text)


@given(texts=st.lists(TEXTS, min_size=1), at=st.integers(0, 50))
def test_a_long_text_has_what_its_parts_have(texts: list[str], at: int) -> None:
    # Longer than what is cut at once, and cut anywhere: between the parts there is nothing to be found.
    long = "x" * at + "\n" + "\n".join(texts * (8_000 // sum(map(len, [*texts, texts])) + 1))
    parts = [elements_of(text) for text in ("x" * at, *texts)]
    assert elements_of(long) == set().union(*parts)


@pytest.mark.parametrize(
    "sign",
    ["\ufdfa", "\u3316", "雪国", "ab "],
    ids=["eighteen characters", "six, no blanks", "no blanks", "words"],
)
def test_a_long_text_is_cut_bit_by_bit(sign: str) -> None:
    text = sign * (60_000 // len(sign))

    def most_held() -> int:
        tracemalloc.start()
        try:
            filter_of(text)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    # The whole fold of the first takes two megabytes, and its words some fifteen. What other threads of the process
    # take meanwhile counts as well, so that it may be tried again.
    assert any(most_held() < 1024 * 1024 for _ in range(3))


def test_few_texts_are_offered_for_what_they_have_not() -> None:
    chance = random.Random(1)
    signs = [chr(0x4E00 + n) for n in range(100)]
    # Of a hundred characters each text has nearly all, and three in a hundred of their pairs.
    texts = ["".join(chance.choices(signs, k=300)) for _ in range(100)]
    filters = [filter_of(text) for text in texts]
    pairs = [one + other for one in signs[:20] for other in signs[:20]]
    there = offered = 0
    for pair in pairs:
        masks = [int(mask[1:], 16) for mask in probe_of(pair).masks[1:-1].split(",")]
        for text, of_it in zip(texts, filters, strict=True):
            is_offered = int(of_it.bits[1:], 16) & masks[of_it.size] == masks[of_it.size]
            assert is_offered or pair not in text
            there += pair in text
            offered += is_offered
    assert 0.02 < there / (len(texts) * len(pairs)) < 0.04
    assert (offered - there) / (len(texts) * len(pairs)) < 0.04


@pytest.mark.parametrize("words", [1, 15, 16, 17, 1000, 100_000])
def test_a_filter_has_eight_bits_for_each_element_or_is_as_large_as_they_get(words: int) -> None:
    text = " ".join(chr(0x4E00 + n % 20_000) for n in range(words)) + " " * (words > 20_000)
    text = text if words < 20_000 else " ".join(f"{n:x}" for n in range(words))
    of_it = filter_of(text)
    size = SIZES[of_it.size]
    assert len(of_it.bits) == 1 + size // 4
    wanted = 8 * len(elements_of(text))
    assert size >= wanted or size == SIZES[-1]
    assert of_it.size == 0 or SIZES[of_it.size - 1] < wanted


def test_postgres_takes_both_and_sees_in_large_ones_what_masks_see_in_small_ones(
    embedded_postgres: EmbeddedPostgres,
) -> None:
    text = " ".join(f"word{n}" for n in range(300))
    of_it, probe = filter_of(text), probe_of("word299 word1")
    assert of_it.size < MASKS
    with psycopg.connect(embedded_postgres.admin_url) as connection:
        row = connection.execute(
            "SELECT length(filter), filter & mask = mask,"
            " (SELECT bool_and(get_bit(filter, hash %% length(filter)) = 1) FROM unnest(%s) AS hash),"
            " (SELECT bool_and(get_bit(mask, hash %% length(mask)) = 1) FROM unnest(%s) AS hash),"
            " (SELECT bool_and(get_bit(filter, hash %% length(filter)) = 1) FROM unnest(%s) AS hash)"
            " FROM (SELECT CAST(%s AS bit varying) AS filter, CAST(%s AS bit varying) AS mask) AS compared",
            (
                *(probe.hashes, probe.hashes, probe_of("nothing of it").hashes),
                *(of_it.bits, probe.masks[1:-1].split(",")[of_it.size]),
            ),
        ).fetchone()
    assert row == (SIZES[of_it.size], True, True, True, False)


def test_what_was_stored_is_understood_for_ever() -> None:
    """Filters are in databases: one that is made otherwise finds nothing of what is there."""
    said = filter_of("The quick brown fox, 狐狸 and 12 naïve dogs.")
    assert (said.size, sha256(said.bits.encode()).hexdigest()[:16]) == (3, "f0ddd708f7f183bb")
    assert SIZES[:4] == (128, 192, 256, 384)
