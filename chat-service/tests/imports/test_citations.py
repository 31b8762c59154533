"""Sources of answers that came from elsewhere, which are marks there."""

from typing import Any

import pytest

from chat_service.imports.reading.formats.citations import with_sources

from . import samples
from .test_reading import made
from .variants_of_servers import libre, libre_message


def mark(*fields: str) -> str:
    return "\ue200" + "\ue202".join(fields) + "\ue201"


CITE = mark("cite", "turn0search0", "turn0search4")
PAGE = {"url": "https://bees.org/a", "title": "All about\nbees", "attribution": "Bees"}
OLD = {"start_ix": 5, "end_ix": 16, "metadata": {"type": "webpage", **PAGE}}


@pytest.mark.parametrize(
    ("text", "metadata", "shown"),
    [
        (
            f"Buzz {CITE}.",
            [{"matched_text": CITE, "alt": "([b](https://b.org))"}],
            "Buzz ([b](https://b.org)).",
        ),
        (
            f"Buzz{CITE}",
            [{"matched_text": CITE, "alt": None, "items": [PAGE]}],
            "Buzz([Bees](https://bees.org/a))",
        ),
        (
            f"Buzz{CITE}",
            [{"matched_text": CITE, "items": [{**PAGE, "attribution": None}, {}, None]}],
            "Buzz([All about bees](https://bees.org/a))",
        ),
        (f"Buzz{CITE}", [{"matched_text": CITE, "alt": "", "items": [PAGE]}], "Buzz"),
        (f"Buzz{CITE}", [{"matched_text": " ", "type": "sources_footnote"}, None, {}], "Buzz"),
        (f"Buzz{CITE}", None, "Buzz"),
        (f"Buzz{CITE}", {"a": 1}, "Buzz"),
        ("In " + mark("entity", '["city","Paris","France"]'), [], "In Paris"),
        (f"In {mark('entity', 'Paris')}", [], "In "),
        (f"See {mark('link_title', 'the hive', 'key1')}", [], "See the hive"),
        (f"{mark('navlist', 'News', 'turn0news1')}Buzz", [], "Buzz"),
        ("a\ue203b\ue204", [{"matched_text": "\ue204", "type": "hidden"}], "ab"),
        ("a \ue200 b", None, "a \ue200 b"),
        (mark("cite", "two\nlines"), None, mark("cite", "two\nlines")),
        (
            "Buzz 【11†source】【12†source】 end",
            "old",
            "Buzz  ([All about bees](https://bees.org/a))【12†source】 end",
        ),
        ("【重要】", None, "【重要】"),
    ],
)
def test_sources_of_an_answer_are_links_and_no_marks(text: str, metadata: Any, shown: str) -> None:
    told = {"citations": [OLD, None, {}]} if metadata == "old" else {"content_references": metadata}
    question = samples.chatgpt_node("q", None, "user", text)
    answer = samples.chatgpt_node("a", "q", "assistant", text, metadata=told)
    (one,) = made([samples.chatgpt(question, answer, current="a")])
    # What people have written is as they have written it.
    assert [message["content"] for message in one.messages] == [text, shown]


FOUND = {"turn": 0, "organic": [{"link": "https://a.org", "title": "A"}, {"link": None}, "x"]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Buzz \ue202turn0search0.", "Buzz ([A](https://a.org))."),
        ("Buzz \\ue202turn0search0.", "Buzz ([A](https://a.org))."),
        (
            "\ue203Buzz\ue204 \ue200\ue202turn0search0\ue202turn0news3\ue201",
            "Buzz ([A](https://a.org))",
        ),
        ("Buzz\ue202turn0search1 \ue202turn0search2\ue202turn0search9\ue202turn7search0", "Buzz"),
        ("turn0search0 \ue203", "turn0search0 \ue203"),
    ],
)
def test_what_librechat_has_found_is_linked(text: str, shown: str) -> None:
    attachments: list[Any] = [{"type": "web_search", "web_search": FOUND}, None, {"web_search": 7}]
    answer = libre_message("a", "q", "!", content=[{"type": "text", "text": text}])
    (one,) = made(libre(libre_message("q", None, "?"), {**answer, "attachments": attachments}))
    assert one.messages[1]["content"] == shown


def test_a_long_blank_is_gone_through_once() -> None:
    """By the square of its length it would take hours."""
    blank = " " * 1_000_000
    assert with_sources(f"a{blank}b{blank}\\ue202turn0search0", []) == f"a{blank}b"
