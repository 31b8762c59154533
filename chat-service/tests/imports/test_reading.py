"""Reading exports: what is made of each application's, and what becomes of what is none."""

import gzip
import io
import json
import zipfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_service.imports.reading import clean, walk
from chat_service.imports.reading.formats import parley
from chat_service.imports.reading.frames import Kind, batches, understood
from chat_service.imports.reading.made import Made
from chat_service.imports.reading.recognise import Skipped, conversations_of
from chat_service.imports.reading.source import MOST_UNPACKED, UnreadableError, documents_of
from parley.bounds import Range
from servicekit.generation_parameters import PARAMETERS, Bounds, OneOf, Texts

from . import samples


def read(file: bytes, most: int = MOST_UNPACKED) -> list[Any]:
    """Everything that is found in a file, which may unpack to so many bytes."""
    return [
        found
        for document, _ in documents_of(io.BytesIO(file), len(file), most=most)
        for found in conversations_of(document)
    ]


def made(told: Any) -> list[Made]:
    file = told if isinstance(told, bytes) else json.dumps(told).encode()
    return [found for found in read(file) if isinstance(found, Made)]


def skipped(told: Any) -> list[tuple[str, str]]:
    file = told if isinstance(told, bytes) else json.dumps(told).encode()
    return [(one.title, one.reason) for one in read(file) if isinstance(one, Skipped)]


def why(file: bytes, most: int = MOST_UNPACKED) -> str:
    with pytest.raises(UnreadableError) as refused:
        read(file, most)
    return refused.value.reason


def lines(one: Made) -> list[tuple[Any, ...]]:
    """Each message with its place in the tree."""
    return [(m["order"], m["parent"], m["chosen"], m["role"], m["content"]) for m in one.messages]


def test_chatgpt_s_tree_is_taken_with_its_thoughts_and_without_its_tools() -> None:
    first, last = made(samples.CHATGPT)
    assert (first.source, first.key) == ("chatgpt", "c-1")
    assert lines(first) == [
        (1, None, True, "user", "How do I roll back?"),
        (2, 1, False, "assistant", "Try `helm`."),
        (3, 1, True, "assistant", "Run `helm rollback`."),
        (4, 3, True, "user", "And then?"),
        (5, 4, True, "assistant", "Restore "),
    ]
    assert first.messages[1]["reasoning"] == "Thinking\nHelm can."
    assert first.messages[2]["reasoning"] is None
    assert (first.messages[2]["model"], first.messages[2]["finish_reason"]) == ("o4-mini", "stop")
    assert [m["status"] for m in first.messages] == [
        None,
        "completed",
        "completed",
        None,
        "interrupted",
    ]
    assert first.messages[0]["created_at"] == "2025-08-24T01:46:41+00:00"
    assert first.head["title"] == "Deploying"
    assert first.head["archived_at"] is not None
    assert first.left_out == {"TOOL": 2}
    assert lines(last) == [(1, None, True, "user", "Hello?")]
    assert last.head["title_by"] == "first_line"
    assert skipped(samples.CHATGPT) == [("Corrupted", "NOT_A_CONVERSATION")]


def test_chatgpt_s_zip_is_taken_with_whatever_else_is_in_it() -> None:
    file = samples.zipped(
        conversations__json=samples.CHATGPT[:1], user__json={"id": "u"}, chat__html="<html>"
    )
    found: list[Any] = []
    reasons: list[str] = []
    for document, _ in documents_of(io.BytesIO(file), len(file)):
        try:
            found += list(conversations_of(document))
        except UnreadableError as error:
            reasons.append(error.reason)
    assert [one.key for one in found] == ["c-1"]
    assert reasons == ["FORMAT_UNKNOWN"]


def test_of_our_export_with_files_what_is_attached_is_no_document() -> None:
    file = samples.our_zip()
    (one,) = made(file)
    assert (one.source, lines(one)) == ("parley", [(1, None, True, "user", "Tea?")])
    ((document, _),) = documents_of(io.BytesIO(file), len(file))
    assert [(one.key, one.size) for one in document.files] == [(samples.FILE_KEY, 3)]
    assert why(samples.our_zip("parley-2026-11-27.csv")) == "NOT_JSON"
    # What only looks like it is read as any other archive.
    other = samples.our_zip(also="x.html")
    assert len(list(documents_of(io.BytesIO(other), len(other)))) == 3


def test_open_webui_s_answers_come_without_what_it_writes_into_them() -> None:
    (one,) = made(samples.OPEN_WEBUI)
    assert lines(one) == [
        (1, None, True, "user", "15 * 17?"),
        (2, 1, False, "assistant", "255"),
        (3, 1, True, "assistant", "It is 255."),
    ]
    assert [m["reasoning"] for m in one.messages] == [None, "15 * 17 = 255", "Hm."]
    assert one.messages[1]["prompt_tokens"] == 5
    assert one.head["instructions"] == "Be exact."
    assert one.head["pinned"] is True
    assert one.left_out == {"ATTACHMENT": 1, "TOOL": 1}


def test_librechat_s_branches_are_variants() -> None:
    (one,) = made(samples.LIBRECHAT)
    assert lines(one) == [
        (1, None, True, "user", "tell me a story"),
        (2, 1, False, "assistant", "Once"),
        (3, 1, True, "assistant", "Once upon a time"),
    ]
    assert one.messages[1]["status"] == "interrupted"
    assert one.messages[1]["finish_reason"] == "other"
    assert one.messages[2]["reasoning"] == "A long one."
    assert one.head["instructions"] == "You tell stories."
    assert one.left_out == {"TOOL": 1}


def test_librechat_s_recursive_export_is_read_however_long_the_conversation() -> None:
    (one,) = made(samples.librechat_recursive(900))
    assert len(one.messages) == 900
    assert [m["parent"] for m in one.messages[1:]] == list(range(1, 900))


def test_nextchat_s_sessions_are_taken_and_none_of_its_keys() -> None:
    (one,) = made(samples.NEXTCHAT)
    assert [line[3:] for line in lines(one)] == [
        ("user", "你好"),
        ("assistant", "你好！"),
        ("user", "看图"),
        ("assistant", "出错了"),
    ]
    assert [m["parent"] for m in one.messages] == [None, 1, 2, 3]
    assert one.messages[0]["created_at"] == "2023-11-14T22:13:20+00:00"
    assert one.messages[3]["status"] == "failed"
    assert (one.head["title"], one.head["instructions"]) == ("天气", "你是助手。")
    assert one.left_out == {"ATTACHMENT": 1}
    assert skipped(samples.NEXTCHAT) == [("空", "EMPTY")]
    assert "secret" not in repr(read(json.dumps(samples.NEXTCHAT).encode()))


@pytest.mark.parametrize("packed", [False, True])
def test_cherry_studio_s_blocks_are_put_together_from_behind(packed: bool) -> None:
    (one,) = made(
        samples.zipped(data__json=samples.CHERRY_STUDIO) if packed else samples.CHERRY_STUDIO
    )
    assert lines(one) == [
        (1, None, True, "user", "The Nile?"),
        (2, 1, True, "assistant", "It is long."),
        (3, 1, False, "assistant", "6,650 km"),
        (4, 2, True, "user", "And this?"),
    ]
    assert one.messages[1]["reasoning"] == "A river."
    assert [m["model"] for m in one.messages] == [None, "deepseek-chat", "qwen", None]
    assert one.messages[2]["status"] == "cancelled"
    assert (one.head["title"], one.head["created_at"]) == ("Rivers", "2025-05-01T10:00:00+00:00")
    assert one.left_out == {"ATTACHMENT": 1}


def test_one_conversation_by_itself_is_known_too() -> None:
    assert [one.key for one in made(samples.CHATGPT[0])] == ["c-1"]
    assert [one.key for one in made(samples.OPEN_WEBUI[0])] == ["w-1"]


def test_a_compressed_file_and_one_with_a_mark_are_read() -> None:
    file = json.dumps(samples.CHATGPT[:1]).encode()
    assert [one.key for one in made(gzip.compress(file))] == ["c-1"]
    assert [one.key for one in made(b"\xef\xbb\xbf" + file)] == ["c-1"]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "FORMAT_UNKNOWN"),
        (b"   ", "FORMAT_UNKNOWN"),
        (b"hello", "FORMAT_UNKNOWN"),
        (b"\x89PNG\r\n\x1a\n", "FORMAT_UNKNOWN"),
        (b"{}", "FORMAT_UNKNOWN"),
        (b"[]", "FORMAT_UNKNOWN"),
        (b"[1, 2, 3]", "FORMAT_UNKNOWN"),
        (b'{"a": {"mapping": 1}}', "FORMAT_UNKNOWN"),
        (b'{"format":"parley","version":2,"conversations":[{}]}', "FORMAT_UNKNOWN"),
        (b'{"conversations":[{}],"version":"1","format":"parley"}', "FORMAT_UNKNOWN"),
        (b"[{]", "FILE_DAMAGED"),
        (b'[{"mapping": ', "FILE_CUT_OFF"),
        (b'{"format":"parley","version":1,"conversations":[', "FILE_CUT_OFF"),
        (b'[{"mapping": "\xff\xfe"}]', "FILE_DAMAGED"),
        (b"PK\x03\x04rubbish", "FILE_CUT_OFF"),
        (b"\x1f\x8brubbish!", "FILE_DAMAGED"),
        (gzip.compress(b"[" + b" " * 100_000, mtime=0)[:-50], "FILE_CUT_OFF"),
        (gzip.compress(b"[{}]", mtime=0)[:-1], "FILE_CUT_OFF"),
        (b"\x1f\x8b", "FILE_CUT_OFF"),
        (b"[nul", "FILE_CUT_OFF"),
        (b'["\\u00', "FILE_CUT_OFF"),
        (b'["\xe5\xae', "FILE_CUT_OFF"),
        (b"[1.", "FILE_CUT_OFF"),
        (b"[nul]", "FILE_DAMAGED"),
        (b'["\\u00"]', "FILE_DAMAGED"),
        (b"[1.]", "FILE_DAMAGED"),
        (b'[{"mapping": {"a": NaN}}]', "FILE_DAMAGED"),
        (b"[" * 100_000, "FILE_CUT_OFF"),
    ],
)
def test_what_is_no_export_is_refused_by_what_it_is(file: bytes, reason: str) -> None:
    assert why(file) == reason


def test_what_comes_before_the_cut_is_taken() -> None:
    whole = json.dumps(samples.CHATGPT[:1] * 2).encode()
    found: list[Any] = []
    ((document, _),) = documents_of(io.BytesIO(whole[:-100]), len(whole))
    parts = conversations_of(document)
    found.append(next(parts))
    with pytest.raises(UnreadableError, match="FILE_CUT_OFF"):
        next(parts)
    assert [one.key for one in found] == ["c-1"]


def test_an_encrypted_archive_and_a_name_that_is_a_path_are_no_way_out() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../../../etc/passwd.json", json.dumps(samples.CHATGPT[:1]))
    # What it is called is no place that anything is written to.
    assert [one.key for one in made(file.getvalue())] == ["c-1"]
    encrypted = bytearray(file.getvalue())
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(sign) + place] |= 1
    assert why(bytes(encrypted)) == "FILE_DAMAGED"


def test_a_bomb_is_read_no_further_than_may_be_unpacked() -> None:
    assert why(gzip.compress(b"[" + b" " * 10_000_000), most=1_000_000) == "UNPACKED_TOO_LARGE"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", b"[" + b" " * 10_000_000)
    assert why(file.getvalue(), most=1_000_000) == "UNPACKED_TOO_LARGE"


def test_what_is_too_large_or_too_deep_is_passed_over_and_the_next_one_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(walk, "MOST_BYTES", 20_000)
    monkeypatch.setattr(walk, "MOST_DEPTH", 50)
    large = samples.chatgpt(
        samples.chatgpt_node("a", None, "user", "x" * 30_000), current="a", key="large"
    )
    deep: Any = "end"
    for _ in range(100):
        deep = [deep]
    nested = {**samples.CHATGPT[0], "id": "deep", "more": deep}
    told = [large, nested, samples.CHATGPT[0]]
    assert [one.key for one in made(told)] == ["c-1"]
    assert [reason for _, reason in skipped(told)] == ["TOO_LARGE", "TOO_DEEP"]


def test_a_circle_and_a_lost_parent_make_no_endless_tree() -> None:
    told = samples.chatgpt(
        samples.chatgpt_node("a", "b", "user", "round"),
        samples.chatgpt_node("b", "a", "assistant", "and round"),
        samples.chatgpt_node("self", "self", "user", "by itself"),
        samples.chatgpt_node("orphan", "nobody", "user", "alone"),
        current="a",
    )
    (one,) = made([told])
    assert sorted(m["content"] for m in one.messages) == ["alone", "by itself"]
    assert one.left_out["NOT_IN_THE_TREE"] == 2


def test_more_variants_than_there_may_be_are_refused() -> None:
    nodes = [samples.chatgpt_node("q", None, "user", "?")]
    nodes += [samples.chatgpt_node(f"a{n}", "q", "assistant", "!") for n in range(101)]
    told = samples.chatgpt(*nodes, current="a0")
    assert skipped([told]) == [("Deploying", "TOO_MANY_VARIANTS")]


def test_pieces_of_one_answer_are_one_answer() -> None:
    told = samples.chatgpt(
        samples.chatgpt_node("q", None, "user", "?"),
        samples.chatgpt_node("a", "q", "assistant", "<think>Hm.</think>Let me look."),
        samples.chatgpt_node("tool", "a", "tool", "…"),
        samples.chatgpt_node("b", "tool", "assistant", "Found it."),
        current="b",
    )
    (one,) = made([told])
    assert [line[3:] for line in lines(one)] == [
        ("user", "?"),
        ("assistant", "Let me look.\n\nFound it."),
    ]
    assert one.messages[1]["reasoning"] == "Hm."
    assert one.messages[1]["chosen"] is True


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("id", "messages", "mapping", "parent", "chat", "history", "content", "order"),
                    *("conversationId", "created_at", "parts", "text", "blocks", "title", "role"),
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(
    st.lists(JSON_VALUES, max_size=4)
    | st.fixed_dictionaries({"conversationId": st.text(max_size=5), "messages": JSON_VALUES})
    | st.fixed_dictionaries(
        {"format": st.just("parley"), "version": st.just(1), "conversations": st.lists(JSON_VALUES)}
    )
    | st.fixed_dictionaries(
        {"chat-next-web-store": st.fixed_dictionaries({"sessions": st.lists(JSON_VALUES)})}
    )
    | st.fixed_dictionaries(
        {
            "time": st.just(1),
            "version": st.just(5),
            "localStorage": JSON_VALUES,
            "indexedDB": st.fixed_dictionaries(
                {"topics": st.lists(JSON_VALUES), "message_blocks": st.lists(JSON_VALUES)}
            ),
        }
    )
)
def test_whatever_is_in_a_file_it_is_taken_or_told_of(told: Any) -> None:
    try:
        found = read(json.dumps(told).encode())
    except UnreadableError:
        return
    for one in found:
        if isinstance(one, Made):
            orders = [message["order"] for message in one.messages]
            assert orders == sorted(set(orders))
            for line in batches(one.messages):
                assert understood(line)[0] is Kind.MESSAGES


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1700000000, "2023-11-14T22:13:20+00:00"),
        (1700000000000, "2023-11-14T22:13:20+00:00"),
        ("2023-11-14T22:13:20Z", "2023-11-14T22:13:20+00:00"),
        ("2023-11-14T22:13:20", "2023-11-14T22:13:20+00:00"),
        (True, None),
        (float("nan"), None),
        (1e300, None),
        (-1e300, None),
        ("9999-12-31T23:59:59Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ([], None),
    ],
)
def test_times_are_those_that_there_are(value: Any, moment: str | None) -> None:
    found = clean.moment(value)
    assert (None if found is None else found.isoformat()) == moment


def test_parameters_are_taken_within_their_bounds_alone() -> None:
    told = {
        "temperature": 0.5,
        "max_tokens": 1.5,
        "top_p": 9,
        "stop": ["x", 1],
        "reasoning_effort": "high",
        "secret": 1,
    }
    assert clean.parameters(told) == {"temperature": 0.5, "reasoning_effort": "high"}
    assert clean.parameters({"temperature": True, "stop": "abc", "max_tokens": {}}) == {}
    assert clean.parameters([1]) is None


def _good(bounds: Bounds) -> Any:
    match bounds:
        case Range():
            return int(bounds.maximum)
        case Texts():
            return ["x"]
        case OneOf():
            return bounds.words[0]


def test_of_each_parameter_what_its_bounds_are_about_is_taken_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parameters: dict[str, Bounds] = {**PARAMETERS, "brevity": OneOf(("brief",))}
    monkeypatch.setattr(clean, "PARAMETERS", parameters)
    for name, bounds in parameters.items():
        good = _good(bounds)
        assert clean.parameters({name: good}) == {name: good}
        others: list[Any] = [None, True, {}, [1], "x" if isinstance(bounds, Range) else 1]
        for wrong in others:
            assert clean.parameters({name: wrong}) == {}


def test_of_what_was_attached_nothing_is_believed_but_its_name_kind_and_size() -> None:
    good = {"id": "x", "name": "a.pdf", "kind": "pdf", "size": 3_000_000_000}
    odd: list[Any] = [
        *("text", None, {}, {**good, "name": "two\nlines"}, {**good, "name": "x" * 256}),
        *({**good, "kind": "exe"}, {**good, "kind": []}, {**good, "size": -1}),
        *({**good, "size": True}, {**good, "size": 1.5}, {**good, "size": 2**53 + 1}),
    ]
    told = {"key": None, "name": "a.pdf", "kind": "pdf", "size": 3_000_000_000}
    nothing: list[Any] = [None, "a.pdf", {}, 5, [], [[]], *([one] for one in odd)]
    for attachments, taken in (
        *((wrong, None) for wrong in nothing),
        ([good, odd[3], good], [told, told]),
        ([good] * 11, [told] * 10),
    ):
        message = {
            "order": 1,
            "parent": None,
            "role": "user",
            "content": "?",
            "created_at": "2026-11-02T09:34:00Z",
            "attachments": attachments,
        }
        answer = {**message, "order": 2, "parent": 1, "role": "assistant"}
        conversation = {
            "id": "one",
            "created_at": "2026-11-02T09:34:00Z",
            "messages": [message, answer],
        }
        question, said = parley.convert(conversation).messages
        assert question["attachments"] == taken
        # Nothing is attached to answers.
        assert said["attachments"] is None
