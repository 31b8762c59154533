"""Words found in texts, and in texts that come bit by bit: the same, wherever they are cut."""

import random
import re
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_service.words.domain.errors import WordRefused
from chat_service.words.domain.folding import Folding, fold, folded_alone
from chat_service.words.domain.marks import LONGEST_ADDRESS
from chat_service.words.domain.stream import FilteredStream
from chat_service.words.domain.word_filter import MASK, Action, Rule, WordFilter, checked


def masks(*words: str, whole: bool = False) -> WordFilter:
    return WordFilter(Rule(word, Action.MASK, whole) for word in words)


def streamed(words: WordFilter, pieces: list[str], begun: str = "") -> tuple[str, bool]:
    stream = FilteredStream(lambda: words, begun)
    shown = "".join(map(stream.feed, pieces)) + stream.finish()
    return shown, stream.refused


def naive(rules: list[tuple[str, Action]], text: str) -> tuple[str, bool]:
    """The longest word at each place, from left to right, by looking at every one."""
    shown, at = "", 0
    while at < len(text):
        here = [(word, action) for word, action in rules if text.startswith(word, at)]
        if not here:
            shown, at = shown + text[at], at + 1
            continue
        word, action = max(here, key=lambda one: len(one[0]))
        if action is Action.REFUSE:
            return shown, True
        shown, at = shown + MASK * len(word), at + len(word)
    return shown, False


_SHORT = st.text("abc", min_size=1, max_size=5)
_RULES = st.dictionaries(_SHORT, st.sampled_from(Action), max_size=6)


@settings(deadline=None)
@given(_RULES, st.lists(st.text("abcd", max_size=6), max_size=8))
def test_a_stream_shows_what_the_whole_text_would_wherever_it_is_cut(
    rules: dict[str, Action], pieces: list[str]
) -> None:
    words = WordFilter(Rule(word, action) for word, action in rules.items())
    expected = naive(list(rules.items()), "".join(pieces))
    assert streamed(words, pieces) == expected
    whole = words.scan("".join(pieces), ended=True)
    assert (whole.shown, whole.refused) == expected


@settings(deadline=None)
@given(_RULES, st.text("abcd", max_size=20))
def test_what_is_held_back_is_no_longer_than_the_longest_word(
    rules: dict[str, Action], text: str
) -> None:
    words = WordFilter(Rule(word, action) for word, action in rules.items())
    stream = FilteredStream(lambda: words)
    for character in text:
        stream.feed(character)
        assert stream.held <= words.longest


@settings(deadline=None)
@given(st.sets(_SHORT, min_size=1, max_size=6), st.text("abcd", max_size=8), st.text("abcd"))
def test_no_word_is_completed_behind_what_was_shown_before(
    found: set[str], begun: str, text: str
) -> None:
    words = masks(*found)
    begun = words.masked(begun)
    for cut in range(len(text) + 1):
        shown, _ = streamed(words, [text[:cut], text[cut:]], begun)
        assert len(shown) == len(text)
        assert words.masked(begun + shown) == begun + shown


def test_ten_thousand_words_are_never_shown_however_the_text_is_cut() -> None:
    chance = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    chinese = [chr(0x4E00 + at) for at in range(500)]
    found: set[str] = set()
    while len(found) < 5_000:
        found.add("".join(chance.choices(letters, k=chance.randint(4, 12))))
    while len(found) < 10_000:
        found.add("".join(chance.choices(chinese, k=chance.randint(2, 6))))
    listed = sorted(found)
    words = masks(*listed)
    assert len(words) == 10_000
    text = ""
    for word in chance.sample(listed, 60):
        text += word.upper() + "".join(chance.choices([*letters, *chinese, " "], k=3))
    whole = words.masked(text)
    assert whole != text
    for cut in range(len(text) + 1):
        shown, refused = streamed(words, [text[:cut], text[cut:]])
        assert (shown, refused) == (whole, False)
    assert streamed(words, list(text)) == (whole, False)
    assert not any(word in fold(whole) for word in listed)


def test_the_longest_word_counts_and_a_part_that_is_no_word_is_shown_at_the_end() -> None:
    words = WordFilter([Rule("ab", Action.REFUSE), Rule("abcd", Action.MASK)])
    assert streamed(words, ["xab", "cd", "y"]) == (f"x{MASK * 4}y", False)
    assert streamed(words, ["xab", "ce"]) == ("x", True)
    assert streamed(words, ["xa"]) == ("xa", False)


@pytest.mark.parametrize("said", ["BAD", "bad", "ＢＡＤ", "ⓑad", "𝐛𝐚𝐝"])
def test_case_and_width_do_not_count(said: str) -> None:
    assert masks("Bad").masked(f"so {said}!") == f"so {MASK * 3}!"
    assert masks(said).masked("so bad!") == f"so {MASK * 3}!"


@pytest.mark.parametrize(
    "word", ["Café", "Ångström", "ガンダム", "나쁜 말", "việt", "ά", "Ⅷé", "家é"]
)
def test_a_letter_and_its_marks_are_the_same_in_one_character_and_in_several(word: str) -> None:
    spellings = [unicodedata.normalize(form, word) for form in ("NFC", "NFD")]
    for written in spellings:
        words = masks(written)
        assert len(words) == 1
        for said in spellings:
            shown = f"a {MASK * len(said)}!"
            assert words.masked(f"a {said.swapcase()}!") == shown
            for cut in range(len(said) + 4):
                text = f"a {said}!"
                assert streamed(words, [text[:cut], text[cut:]]) == (shown, False)
    refuses = WordFilter([Rule(word, Action.REFUSE)])
    assert all(refuses.scan(said, ended=True).refused for said in spellings)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        # Neither a soft hyphen nor a joiner, a mark of direction, of a variant or a control character is seen.
        *(
            ("secret", f"se{unseen}cret")
            for unseen in "\xad\u034f\u061c\u180e\u200b\u200c\u200d\u200e"
        ),
        *(
            ("secret", f"se{unseen}cret")
            for unseen in "\u202e\u2060\u2069\ufeff\ufe0f\U000e0061\x08\x1b"
        ),
        ("secret", "\u200b".join("secret")),
        ("秘密", "秘\u200b密"),
        ("می\u200cخواهم", "میخواهم"),
        ("❤️", "❤"),
        ("👩\u200d🚀", "👩🚀"),
        # Struck through, encircled, or by the numbers and names of its letters, it is what the page shows.
        ("bad", "b\u0336a\u0336d"),
        ("bad", "b\u20dda\u0488\u0338d"),
        ("bad", "&#98;ad"),
        ("bad", "&#98;&#x61;&#0100;"),
        ("bad", "b&shy;a&zwnj;d"),
        ("straße", "stra&szlig;e"),
        ("strasse", "STRA&#xDF;E"),
        ("Ωμέγα", "&Omega;μ&#8203;&#941;&gamma;α"),
        ("bad one", "bad&nbsp;one"),
        # What is one character in one case and several in the other, or in print.
        ("straße", "STRASSE"),
        ("strasse", "Straße"),
        ("STRAẞE", "strasse"),
        ("office", "oﬃce"),
        ("سلام", "سﻼم"),
        ("İstanbul", "istanbul"),
        ("istanbul", "İSTANBUL"),
        # As `İSTANBUL` is in small letters outside of Turkey, and in two characters.
        ("istanbul", "i\u0307stanbul"),
        ("istanbul", "I\u0307STANBUL"),
        ("i\u0307stanbul", "istanbul"),
        ("ışık", "IŞIK"),
        ("ışık", "Işık"),
        ("ΟΔΟΣ", "οδος"),
        # With vowels and without, stretched, and in forms for old printers.
        ("كتاب", "كِتَاب"),
        ("كتاب", "كـــتاب"),
        ("كِتَاب", "كتاب"),
        ("كتاب", "ك\ufe7aتاب"),
        ("שלום", "שָׁלוֹם"),
        ("שָׁלוֹם", "שלום"),
        ("שלום", "\ufb2aלו\u05b9ם"),
        ("bad", "🅑🅐🅓"),
        ("bad", "🅱🅰🅳"),
        ("οδος", "ΟΔΟΣ"),
        # Keyboards for Vietnamese write the tone by itself.
        ("việt", "vi\u00ea\u0323t"),
        ("việt", "vi\u1eb9\u0302t"),
        ("vi\u00ea\u0323t", "vie\u0302\u0323t"),
    ],
)
def test_what_looks_like_the_word_is_the_word_wherever_it_is_cut(word: str, said: str) -> None:
    words, refuses = masks(word), WordFilter([Rule(word, Action.REFUSE)])
    text, shown = f"a\u200b {said}\u200b!", f"a\u200b {MASK * len(said)}\u200b!"
    assert words.masked(text) == shown
    assert refuses.scan(said, ended=True).refused
    for cut in range(len(text) + 1):
        assert streamed(words, [text[:cut], text[cut:]]) == (shown, False)
    for cut in range(1, len(said)):
        # Gone on with: what was shown stays, and the whole of the word never is.
        behind, _ = streamed(words, [said[cut:]], begun=f"a {said[:cut]}")
        assert words.masked(f"a {said[:cut]}{behind}") == f"a {said[:cut]}{behind}"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("cafe", "café"),
        ("カス", "ガス"),
        ("ハス", "バス"),
        ("가", "각"),
        ("sal", "sał"),
        ("ο", "ό"),
        ("e", "ệ"),
        ("احمد", "أحمد"),
        ("z", "ż"),
    ],
)
def test_a_letter_without_its_mark_is_another_in_one_character_and_in_several(
    word: str, said: str
) -> None:
    for form in ("NFC", "NFD"):
        text = f"{word} {unicodedata.normalize(form, said)} {word}"
        shown = f"{MASK * len(word)} {unicodedata.normalize(form, said)} {MASK * len(word)}"
        assert masks(word).masked(text) == shown
        for cut in range(len(text) + 1):
            assert streamed(masks(word), [text[:cut], text[cut:]]) == (shown, False)


@pytest.mark.parametrize(
    "text",
    [
        "&",
        "AT&T",
        "&&#98;&",
        "R&D;",
        "&#;",
        "&#x;",
        "&#xD800;",
        "&#99999999;",
        "&nosuch;ad",
        "&#98",
        "a&b;c",
    ],
)
def test_what_is_no_reference_to_a_letter_of_a_word_is_as_it_was_wherever_it_is_cut(
    text: str,
) -> None:
    for cut in range(len(text) + 1):
        assert streamed(masks("bad"), [text[:cut], text[cut:]]) == (text, False)


@pytest.mark.parametrize("sign", ["№", "Ⅱ", "™", "㎏", "½"])
def test_a_sign_is_no_word(sign: str) -> None:
    read = unicodedata.normalize("NFKC", sign)
    assert masks(sign).masked(f"{read} {sign}") == f"{read} {MASK}"
    assert masks(read).masked(f"{read} {sign}") == f"{MASK * len(read)} {sign}"


def test_what_is_not_seen_is_held_back_in_bounds_and_hides_no_word() -> None:
    words = masks("secret")
    stream = FilteredStream(lambda: words)
    shown = stream.feed("a se")
    for _ in range(100):
        shown += stream.feed("\u200b" * 50)
        assert stream.held <= 10 * words.longest + LONGEST_ADDRESS + 256
    shown += stream.feed("cret!") + stream.finish()
    # What was let go stays, and what comes behind it is masked.
    assert re.fullmatch(f"a se(\u200b+){MASK}+!", shown)


@settings(deadline=None)
@given(_RULES, st.lists(st.text("abß\u200b\u00ad", max_size=6), max_size=8))
def test_what_is_seen_of_a_stream_has_no_word_in_it_wherever_it_is_cut(
    rules: dict[str, Action], pieces: list[str]
) -> None:
    words = WordFilter(Rule(word, action) for word, action in rules.items())
    text = "".join(pieces)
    shown, refused = streamed(words, pieces)
    whole = words.scan(text, ended=True)
    assert refused == whole.refused
    assert refused or len(shown) == len(text)
    seen = shown.replace("\u200b", "").replace("\u00ad", "").replace("ß", "ss")
    assert not any(word in seen for word in rules)


def test_folding_leaves_each_character_in_its_place() -> None:
    everything = "".join(
        chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) != "Cs"
    )
    folded = fold(everything)
    assert len(folded) == len(everything)
    for at in range(0, len(everything), 11):
        assert folded[at] == folded_alone(ord(everything[at]))
    assert fold("İßﬁ㎏") == "ißﬁ㎏"
    ascii_text = "".join(map(chr, range(128)))
    assert fold(ascii_text) == fold(ascii_text + "é")[:-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ass", MASK * 3),
        ("class assume", "class assume"),
        ("an ass.", f"an {MASK * 3}."),
        ("你ass吗", f"你{MASK * 3}吗"),
        ("ass2", "ass2"),
        # A letter with a mark upon it is another one, in one character or in two.
        ("assé", "assé"),
        ("ass\u0301", "ass\u0301"),
        ("e\u0301ass", "e\u0301ass"),
        ("ass e\u0301", f"{MASK * 3} e\u0301"),
        ("क\u200dass", "क\u200dass"),
        ("कीass की", "कीass की"),
        ("x\u200bass", "x\u200bass"),
        ("&#120;ass ass&#120;", "&#120;ass ass&#120;"),
        ("&#33;ass", f"&#33;{MASK * 3}"),
        ("ass\u0336.", f"{MASK * 3}\u0336."),
        ("ass\u200b.", f"{MASK * 3}\u200b."),
        ("\u200bass \u200bass", f"\u200b{MASK * 3} \u200b{MASK * 3}"),
        # What has no letters is no part of a word.
        ("❤️ass❤️", f"❤️{MASK * 3}❤️"),
        ("👩\u200d👩ass👍🏽", f"👩\u200d👩{MASK * 3}👍🏽"),
        ("ass_ass-ass", f"{MASK * 3}_{MASK * 3}-{MASK * 3}"),
        ("ＡＳＳ。ass！", f"{MASK * 3}。{MASK * 3}！"),
        ("ｃｌａｓｓ", "ｃｌａｓｓ"),
        ("アassア", f"ア{MASK * 3}ア"),
        ("ass\nass", f"{MASK * 3}\n{MASK * 3}"),
        ("абassв", "абassв"),
    ],
)
def test_a_word_that_has_to_stand_alone_does(text: str, shown: str) -> None:
    words = masks("ass", whole=True)
    assert words.masked(text) == shown
    for cut in range(len(text) + 1):
        assert streamed(words, [text[:cut], text[cut:]]) == (shown, False)


def test_of_a_word_that_is_there_twice_the_strictest_counts() -> None:
    words = WordFilter([Rule("bad", Action.REFUSE, whole=True), Rule("BAD", Action.MASK)])
    assert words.scan("badly", ended=True).refused


def test_other_rules_hold_from_the_next_piece_on() -> None:
    in_force: WordFilter | None = masks("sentence")
    stream = FilteredStream(lambda: in_force)
    assert stream.feed("a sent") == "a "
    in_force = masks("sentinel")
    assert stream.feed("inel, a sent") == f"{MASK * 8}, a "
    in_force = None
    assert stream.feed("ence") == "sentence"


def test_a_text_is_masked_or_refused_by_its_field() -> None:
    words = WordFilter([Rule("no", Action.REFUSE), Rule("hm", Action.MASK)])
    assert checked(words, "content", "hm yes") == f"{MASK * 2} yes"
    assert checked(None, "content", "no") == "no"
    with pytest.raises(WordRefused) as refused:
        checked(words, "content", "oh no")
    assert [(error.field, error.reason) for error in refused.value.fields] == [
        ("content", "WORD_REFUSED")
    ]


def test_a_filter_without_words_lets_everything_pass() -> None:
    words = masks()
    assert streamed(words, ["a", "b"], begun="c") == ("ab", False)


@settings(deadline=None)
@given(st.sets(st.text(min_size=1, max_size=3), max_size=4), st.text(max_size=12))
def test_what_may_be_left_unfolded_changes_nothing(found: set[str], text: str) -> None:
    words = {fold(word) for word in found}
    folded = Folding(words)(text)
    assert len(folded) == len(text)
    for word in words:
        assert (word in folded) == (word in fold(text)) or fold(word) != word
