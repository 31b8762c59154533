from datetime import UTC, datetime, timedelta

import pytest

from auth_service.domain.emails import (
    email_key,
    email_keys,
    email_problem,
    normalise_email,
    wire_address,
)
from auth_service.domain.erasures import Receipt, ServiceErasure
from auth_service.domain.logins import (
    RETRY_WINDOW,
    Client,
    Login,
    RefreshOutcome,
    RefreshToken,
    refresh_outcome,
)
from auth_service.domain.passwords import COMMON_PASSWORDS, normalise_password, password_problem
from auth_service.domain.trust import permanent_revocation
from auth_service.domain.users import normalise_username, username_key, username_problem
from chassis.ids import new_id
from chassis.server_url import BadServerUrl, parse_host

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


@pytest.mark.parametrize(
    "name", ["李明", "ada", "Ada.Lovelace-1815", "a" * 32, "小明同学", "été", "___7"]
)
def test_a_name_of_letters_digits_and_marks_is_accepted(name: str) -> None:
    assert username_problem(normalise_username(name)) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "REQUIRED"),
        ("李", "TOO_SHORT"),
        ("a" * 33, "TOO_LONG"),
        ("\ufdfa\ufdfa", "TOO_LONG"),  # two characters whose normal form has 36
        ("a" * 100_000, "TOO_LONG"),
        ("a b", "INVALID_CHARACTER"),
        ("ada@home", "INVALID_CHARACTER"),
        ("ada\0", "INVALID_CHARACTER"),
        ("ada\u200d", "INVALID_CHARACTER"),  # zero width joiner
        ("ada\u202e", "INVALID_CHARACTER"),  # right-to-left override
        ("ada\u3164", "INVALID_CHARACTER"),  # Hangul filler, a letter that is not seen
        ("ada\N{FIRE}", "INVALID_CHARACTER"),
        ("ada\N{VARIATION SELECTOR-16}", "INVALID_CHARACTER"),
        ("ꓮꓓꓮ", "INVALID_CHARACTER"),  # Lisu, whose letters are those of Latin
        ("...", "INVALID"),
    ],
)
def test_another_name_is_refused_with_the_reason(name: str, problem: str) -> None:
    assert username_problem(normalise_username(name)) == problem


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("ада", None),
        ("αβγ.7", None),
        ("かなカナ漢字Taro", None),
        ("ラーメンー", None),
        ("김철수Kim", None),
        ("ㄅㄆ漢a", None),
        ("مرحبا٣", None),
        ("مرحبا3", None),
        ("कमल", None),
        ("été-_.7", None),
        ("аda", "MIXED_SCRIPTS"),  # Cyrillic, then Latin
        ("adа", "MIXED_SCRIPTS"),
        ("раураl", "MIXED_SCRIPTS"),
        ("Αda", "MIXED_SCRIPTS"),  # Greek
        ("Ωmega", "MIXED_SCRIPTS"),
        ("οсо", "MIXED_SCRIPTS"),  # Greek and Cyrillic
        ("ɑda", None),  # Latin alpha: of the same script
        ("աda", "MIXED_SCRIPTS"),  # Armenian
        ("かな김", "MIXED_SCRIPTS"),
        ("ㄅかな", "MIXED_SCRIPTS"),
        ("漢字ада", "MIXED_SCRIPTS"),
        ("ada١", "MIXED_SCRIPTS"),
        ("1١2", "MIXED_SCRIPTS"),
        ("٣۳ا", "MIXED_SCRIPTS"),
    ],
)
def test_a_name_is_of_one_writing(name: str, problem: str | None) -> None:
    assert username_problem(normalise_username(name)) == problem


@pytest.mark.parametrize("name", ["ADA", "ａｄａ", "𝐚𝐝𝐚", "Ⓐda", "ᴬda"])
def test_names_that_look_alike_have_one_key(name: str) -> None:
    assert username_key(name) == username_key("ada")


@pytest.mark.parametrize("name", ["STRASSE", "ῼ", "ﬃ", "İi", "\u1e9e", "ΌΣΟΣ"])
def test_the_key_of_a_key_is_the_key(name: str) -> None:
    assert username_key(username_key(name)) == username_key(name)


@pytest.mark.parametrize(
    "email",
    [
        "ada@example.org",
        "a.b+c@mail.example.co",
        "用户@例子.中国",
        "a@b.c",
        f"{'a' * 64}@{'b' * 63}.org",
    ],
)
def test_an_address_that_mail_can_be_sent_to_is_accepted(email: str) -> None:
    assert email_problem(normalise_email(email)) is None


@pytest.mark.parametrize(
    ("email", "problem"),
    [
        ("", "REQUIRED"),
        ("ada", "INVALID"),
        ("ada@", "INVALID"),
        ("@example.org", "INVALID"),
        ("ada@example", "INVALID"),
        ("ada@@example.org", "INVALID"),
        ("ada lovelace@example.org", "INVALID"),
        ("ada..l@example.org", "INVALID"),
        (".ada@example.org", "INVALID"),
        ("ada@-example.org", "INVALID"),
        ("ada@example..org", "INVALID"),
        ("ada@example.org\n", "INVALID"),
        ("ada\r\nbcc@example.org", "INVALID"),
        ("Ada <ada@example.org>", "INVALID"),
        (f"{'a' * 65}@example.org", "INVALID"),
        (f"ada@{'b' * 64}.org", "INVALID"),
        ("ada@exam\u202eple.org", "INVALID"),
        ("ada@xn--zzzzzzzz.de", "INVALID"),  # Punycode of nothing
        ("ada@\u2488com.de", "INVALID"),  # "1." as one character
        ("ada\0@example.org", "INVALID_CHARACTER"),
        ("a@" + "b." * 130 + "org", "TOO_LONG"),
    ],
)
def test_another_address_is_refused_with_the_reason(email: str, problem: str) -> None:
    assert email_problem(normalise_email(email)) == problem


@pytest.mark.parametrize(
    "invisible",
    [
        "\N{ZERO WIDTH SPACE}",
        "\N{ZERO WIDTH NON-JOINER}",
        "\N{ZERO WIDTH JOINER}",
        "\N{ZERO WIDTH NO-BREAK SPACE}",
        "\N{WORD JOINER}",
        "\N{SOFT HYPHEN}",
        "\N{RIGHT-TO-LEFT OVERRIDE}",
        "\N{LEFT-TO-RIGHT ISOLATE}",
        "\N{RIGHT-TO-LEFT MARK}",
        "\N{COMBINING GRAPHEME JOINER}",
        "\N{VARIATION SELECTOR-16}",
        "\U000e0100",  # VARIATION SELECTOR-17
        "\U000e0041",  # TAG LATIN CAPITAL LETTER A
        "\N{HANGUL FILLER}",
        "\N{HALFWIDTH HANGUL FILLER}",
        "\N{KHMER VOWEL INHERENT AQ}",
        "\N{MONGOLIAN VOWEL SEPARATOR}",
        "\x85",
        "\ue000",  # private use
        "\ufdd0",  # never a character
    ],
)
@pytest.mark.parametrize("place", ["{}ada", "a{}da", "ada{}", "a.{}.d"])
def test_an_address_has_no_character_that_nobody_sees(invisible: str, place: str) -> None:
    problem = email_problem(normalise_email(f"{place.format(invisible)}@example.org"))
    # NEXT LINE is white space, too.
    assert problem == ("INVALID" if invisible == "\x85" else "INVALID_CHARACTER")


def test_the_domain_of_an_address_has_one_form_and_the_rest_is_its_hosts() -> None:
    assert normalise_email("Ada.L@Example.ORG") == "Ada.L@example.org"
    assert normalise_email("Cafe\u0301@example.org") == "Caf\u00e9@example.org"


@pytest.mark.parametrize(
    ("spellings", "kept"),
    [
        (
            ["a@example.org", "a@EXAMPLE.org", "a@ｅｘａｍｐｌｅ.org", "a@exa\u00admple.org"],
            "a@example.org",
        ),
        (["a@bücher.de", "a@BÜCHER.DE", "a@bu\u0308cher.de", "a@XN--bcher-KVA.de"], "a@bücher.de"),
        (["a@例子.中国", "a@例子。中国", "a@xn--fsqu00a.xn--fiqs8s"], "a@例子.中国"),
        # Two names, since IDNA 2008.
        (["a@straße.de", "a@xn--strae-oqa.de"], "a@straße.de"),
        (["a@strasse.de"], "a@strasse.de"),
    ],
)
def test_one_domain_gives_one_address_however_it_is_spelt(spellings: list[str], kept: str) -> None:
    for spelling in spellings:
        assert email_problem(normalise_email(spelling)) is None
        assert normalise_email(spelling) == kept
        assert normalise_email(kept) == kept
        assert email_key(spelling) == email_key(kept) == kept
        assert kept in email_keys(spelling)
        assert wire_address(kept).isascii()
        assert normalise_email(wire_address(kept)) == kept


@pytest.mark.parametrize(
    "password", ["correct horse", "x7!kq-2$", "雪" * 8, "a b c d e f g", "p" * 256]
)
def test_a_password_of_enough_characters_is_accepted(password: str) -> None:
    assert password_problem(normalise_password(password)) is None


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "REQUIRED"),
        ("seven77", "TOO_SHORT"),
        ("p" * 257, "TOO_LONG"),
        ("p" * 100_000, "TOO_LONG"),
        ("correct\0horse", "INVALID_CHARACTER"),
        ("password123", "TOO_COMMON"),
        ("QwertyUiop", "TOO_COMMON"),
    ],
)
def test_another_password_is_refused_with_the_reason(password: str, problem: str) -> None:
    assert password_problem(normalise_password(password)) == problem


def test_common_passwords_are_listed_as_they_are_compared() -> None:
    assert all(len(common) >= 8 and common == common.casefold() for common in COMMON_PASSWORDS)


def test_one_password_composed_in_two_ways_is_one() -> None:
    assert normalise_password("cafe\u0301 noir") == normalise_password("caf\u00e9 noir")


def test_what_was_seen_of_a_client_is_cut_and_printable() -> None:
    client = Client.seen("1" * 100, "Mozilla\0\n" + "x" * 1000)
    assert client == Client("1" * 45, "Mozilla" + "x" * 249)


def _login(*, expires_at: datetime = LATER, revoked_at: datetime | None = None) -> Login:
    return Login(new_id(), new_id(), new_id(), NOW, expires_at, revoked_at)


def _token(
    *,
    expires_at: datetime = LATER,
    rotated_at: datetime | None = None,
    successor: bytes | None = None,
) -> RefreshToken:
    return RefreshToken(b"", new_id(), NOW, expires_at, rotated_at, successor)


@pytest.mark.parametrize(
    ("token", "login", "outcome"),
    [
        (_token(), _login(), RefreshOutcome.GOOD),
        (_token(rotated_at=NOW), _login(), RefreshOutcome.REUSED),
        (_token(rotated_at=NOW, successor=b"s"), _login(), RefreshOutcome.RETRIED),
        (_token(rotated_at=NOW - RETRY_WINDOW, successor=b"s"), _login(), RefreshOutcome.RETRIED),
        (
            _token(rotated_at=NOW - 1.1 * RETRY_WINDOW, successor=b"s"),
            _login(),
            RefreshOutcome.REUSED,
        ),
        (_token(rotated_at=NOW, successor=b"s"), _login(revoked_at=NOW), RefreshOutcome.REFUSED),
        (_token(expires_at=NOW), _login(), RefreshOutcome.REFUSED),
        (_token(), _login(expires_at=NOW), RefreshOutcome.REFUSED),
        (_token(), _login(revoked_at=NOW), RefreshOutcome.REFUSED),
        (_token(rotated_at=NOW), _login(revoked_at=NOW), RefreshOutcome.REFUSED),
    ],
)
def test_the_verdict_on_a_refresh_token(
    token: RefreshToken, login: Login, outcome: RefreshOutcome
) -> None:
    assert refresh_outcome(token, login, NOW) is outcome


def test_what_has_ended_for_good_stays_refused_as_long_as_any_token_can_live() -> None:
    revocation = permanent_revocation(
        new_id(), tenant_id=new_id(), user_id=new_id(), sid=None, now=NOW
    )
    # Signed on a replica whose clock is ahead, and good for as long as a setting allows.
    assert revocation.revoked_at > NOW + timedelta(seconds=30)
    assert revocation.expires_at >= NOW + timedelta(minutes=15, seconds=30)


def test_a_receipt_is_complete_when_every_service_has_confirmed() -> None:
    assert not Receipt((ServiceErasure("a", NOW), ServiceErasure("b", None))).completed
    assert Receipt((ServiceErasure("a", NOW), ServiceErasure("b", NOW))).completed


@pytest.mark.parametrize(
    "block", [range(0x80, 0x600), range(0x2000, 0x2200), range(0xFE00, 0x10000)]
)
def test_a_host_that_a_model_server_may_have_is_the_same_host_in_an_address(block: range) -> None:
    read = 0
    for number in block:
        label = f"a{chr(number)}b".encode("punycode").decode()
        host = f"xn--{label}.example"
        try:
            assert parse_host(host) == host
        except BadServerUrl:
            continue
        address = normalise_email(f"a@{host}")
        if email_problem(address) is None:  # IDNA 2008 may have no such name
            assert wire_address(address) == f"a@{host}", hex(number)
            read += 1
    assert read or block.start == 0xFE00  # full-width forms: none is a host's
