"""What a hostile or odd file may have in it: one conversation suffers by it, and no other."""

import json
import time
from typing import Any

import pytest

from chat_service.imports.reading.formats import chatgpt, open_webui
from chat_service.imports.reading.made import MOST_MESSAGES, SkippedError
from chat_service.imports.reading.recognise import OwnPersona

from . import samples
from .test_reading import made, read, skipped

_OURS: dict[str, Any] = {
    "id": "0198c0de-0000-7000-8000-000000000001",
    "title": "Ours",
    "created_at": "2026-01-01T00:00:00Z",
    "messages": [
        {
            "order": 1,
            "chosen": True,
            "role": "user",
            "content": "Hello",
            "created_at": "2026-01-01T00:00:00Z",
        }
    ],
}


def chat(content: str) -> dict[str, Any]:
    """One of Open WebUI's with an answer."""
    message = {"id": "a", "role": "assistant", "content": content}
    return {"id": "c", "chat": {"title": "T", "history": {"messages": {"a": message}}}}


@pytest.mark.parametrize(
    "odd",
    [
        {"role": []},
        {"role": {}},
        {"created_at": 10**30},
        {"order": 10**30},
        {"content": {"a": []}},
    ],
)
def test_an_odd_value_costs_its_own_conversation_alone(odd: dict[str, Any]) -> None:
    broken = {**_OURS, "id": "odd", "messages": [{**_OURS["messages"][0], **odd}]}
    told = {"format": "parley", "version": 1, "conversations": [broken, _OURS]}
    assert [one.key for one in made(told)] == [_OURS["id"]]
    assert [reason for _, reason in skipped(told)] == ["NOT_A_CONVERSATION"]


@pytest.mark.parametrize("kind", [{}, [], 7])
def test_a_kind_of_content_that_is_no_word_is_left_out(kind: object) -> None:
    told = json.loads(json.dumps(samples.CHATGPT))
    for node in told[0]["mapping"].values():
        if node.get("message"):
            node["message"].setdefault("content", {})["content_type"] = kind
    assert "c-1" not in [one.key for one in made(told)]
    assert len(made(told)) == len(made(samples.CHATGPT)) - 1


@pytest.mark.parametrize("number", ["1e999", "1" * 25, "-" + "9" * 400, "1.5e400"])
def test_a_number_that_nothing_has_room_for_is_no_damage(number: str) -> None:
    file = json.dumps({"format": "parley", "conversations": [{**_OURS, "odd": "NUMBER"}]})
    assert len(made(file.replace('"NUMBER"', number).encode())) == 1
    at = json.dumps([{**samples.CHATGPT[0], "create_time": "NUMBER"}])
    assert len(made(at.replace('"NUMBER"', number).encode())) == 1


def test_our_format_is_known_in_whatever_order_its_members_come() -> None:
    persona = {"name": "cook", "prompt": "You cook.", "starters": [], "title": "Cook"}
    told = {"personas": [persona], "conversations": [_OURS, {}], "version": 1, "format": "parley"}
    assert [one.key for one in made(told)] == [_OURS["id"]]
    assert skipped(told) == [("", "NOT_A_CONVERSATION")]
    found = read(json.dumps(told).encode())
    assert [one.told["name"] for one in found if isinstance(one, OwnPersona)] == ["cook"]


def test_nothing_was_said_later_than_now() -> None:
    told = {**_OURS, "created_at": "2999-01-01T00:00:00Z"}
    one = made({"format": "parley", "conversations": [told]})[0]
    assert one.head["created_at"] < "2999"


@pytest.mark.parametrize("opening", ['<details type="reasoning"', '<details type="reasoning">'])
def test_thinking_that_is_never_closed_is_read_in_linear_time(opening: str) -> None:
    content = opening * 60_000
    began = time.process_time()
    one = open_webui.convert(chat(content))
    # In the square of its length it takes minutes.
    assert time.process_time() - began < 5
    assert one.messages[0]["content"] == content


def test_thinking_that_is_closed_is_taken_out_wherever_it_is() -> None:
    thought = '<details type="reasoning" done="true"><summary>T</summary>\n&gt; Hm\n</details>\n'
    one = open_webui.convert(chat(f"Before {thought}and {thought}behind <details"))
    assert one.messages[0]["content"] == "Before and behind <details"
    assert one.messages[0]["reasoning"] == "Hm\n\nHm"


def test_thoughts_that_thousands_of_answers_share_are_read_in_linear_time() -> None:
    half = MOST_MESSAGES // 4
    mapping: dict[str, Any] = {
        f"t{number}": {"parent": f"t{number - 1}", "message": None} for number in range(half)
    }
    for number in range(half):
        mapping[f"a{number}"] = {
            "parent": f"t{half - 1}",
            "message": {
                "author": {"role": "assistant"},
                "content": {"content_type": "text", "parts": ["x"]},
            },
        }
    began = time.process_time()
    with pytest.raises(SkippedError, match="TOO_MANY_VARIANTS"):
        chatgpt.convert({"id": "c", "mapping": mapping})
    assert time.process_time() - began < 5


def test_more_nodes_than_there_may_be_are_counted_before_they_are_read() -> None:
    mapping = dict.fromkeys((str(number) for number in range(MOST_MESSAGES + 1)), 0)
    with pytest.raises(SkippedError, match="TOO_MANY_MESSAGES"):
        chatgpt.convert({"id": "c", "mapping": mapping})
