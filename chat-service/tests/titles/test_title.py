"""A title out of what models say: what they put around it is taken away, and what is too long cut."""

import pytest

from chat_service.titles.title import ask_for_title, clean_title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("Tea in the afternoon", "Tea in the afternoon"),
        ("  Tea\tin  the afternoon \n", "Tea in the afternoon"),
        ('"Tea in the afternoon"', "Tea in the afternoon"),
        ("'Tea'", "Tea"),
        ("“Tea in the afternoon.”", "Tea in the afternoon"),
        ("„Tee am Nachmittag“", "Tee am Nachmittag"),
        ("« Le thé »", "Le thé"),
        ("《下午茶》", "下午茶"),
        ("「午後のお茶」", "午後のお茶"),
        ("Title: Tea", "Tea"),
        ("TITLE : Tea", "Tea"),
        ("The title is: Tea", "Tea"),
        ("Conversation title: Tea", "Tea"),
        ("Titre : Le thé", "Le thé"),
        ("标题：下午茶", "下午茶"),
        ("对话标题：《下午茶》。", "下午茶"),
        ("タイトル：お茶", "お茶"),
        ("# Tea", "Tea"),
        ("## **Tea**", "Tea"),
        ("**Tea in the afternoon**", "Tea in the afternoon"),
        ("**Title:** Tea", "Tea"),
        ("**Title: Tea**", "Tea"),
        ('**Title:** "Tea"', "Tea"),
        ("__Tea__", "Tea"),
        ("*Tea*", "Tea"),
        ("`Tea`", "Tea"),
        ("- Tea", "Tea"),
        ("1. Tea", "Tea"),
        ("> Tea", "Tea"),
        ("[Tea](https://example.com)", "Tea"),
        ("![Tea](https://example.com/tea.png)", "Tea"),
        ("What `async` **really** does", "What async really does"),
        ("The ~~old~~ new way", "The old new way"),
        ("Here is a title:\n\n**Tea**", "Tea"),
        ("Tea\n\nI hope that you like it.", "Tea"),
        ("```\nTea\n```", "Tea"),
        ("---\nTea", "Tea"),
        ("Tea\u0000\u202e\u200b time", "Tea time"),
        (
            "چای می\u200cخواهم \U0001f468\u200d\U0001f469",
            "چای می\u200cخواهم \U0001f468\u200d\U0001f469",
        ),
        # What belongs to it stays.
        ('"Tea" and "Coffee"', '"Tea" and "Coffee"'),
        ("Why C++ is not C#", "Why C++ is not C#"),
        ("What is Parley?", "What is Parley?"),
        ("Node.js 22.1", "Node.js 22.1"),
        ("And then...", "And then..."),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("2 ** 3 ** 4", "2 ** 3 ** 4"),
        ("The __init__ of a class", "The __init__ of a class"),
        ("Titles of books", "Titles of books"),
        ("snake_case in Python", "snake_case in Python"),
        ("Rock 'n' Roll", "Rock 'n' Roll"),
        # What is too long is cut, between words where there are some.
        ("one two three four five six seven eight", "one two three four five six seven eight"),
        (
            "one two three four five six seven, eight nine",
            "one two three four five six seven, eight…",
        ),
        (
            "one two three four five six seven eight, nine",
            "one two three four five six seven eight…",
        ),
        ("茶" * 40, "茶" * 39 + "…"),
        ("茶" * 39, "茶" * 39),
        ("x" * 200, "x" * 79 + "…"),
        # There is none.
        ("", None),
        (" \n\t", None),
        ("**", None),
        ('""', None),
        ("…", None),
        ("```\n```", None),
        ("---", None),
        ("🍵", None),
    ],
)
def test_a_title_is_one_line_without_what_models_put_around_it(
    said: str, title: str | None
) -> None:
    assert clean_title(said) == title


def test_a_clean_title_stays_as_it_is() -> None:
    for said in (
        "# **Title:** “one two three four five six seven eight nine”",
        "《" + "茶" * 50 + "》",
    ):
        once = clean_title(said)
        assert once is not None
        assert clean_title(once) == once


def test_what_is_asked_shows_the_beginning_of_question_and_answer() -> None:
    (message,) = ask_for_title("q" * 3000, " a ")
    assert message.role == "user"
    assert "at most 8 words" in message.content
    assert message.content.endswith("Question:\n" + "q" * 2000 + "…\n\nAnswer:\na")
