"""Exports of several versions of other applications, and as people's tools and systems write them anew."""

import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from chat_service.imports.reading.made import Made
from chat_service.imports.reading.recognise import conversations_of
from chat_service.imports.reading.source import UnreadableError, documents_of

from . import samples
from .test_reading import made, skipped, why
from .variants import ALL
from .variants_expected import ASKED
from .variants_of_desks import cherry, cherry_message
from .variants_of_servers import webui, webui_pair
from .variants_written import WRITTEN


def shape(one: Made) -> list[str]:
    """Each message with its place, as the table has them."""
    return [
        f"{m['order']}<{m['parent'] or 0}{'*' if m['chosen'] else ''} {m['role'][0]}: {m['content']}"
        for m in one.messages
    ]


@pytest.mark.parametrize(
    ("source", "case"), [(source, case) for source, cases in ALL.items() for case in cases]
)
def test_whatever_a_version_writes_differently_nothing_that_was_said_is_lost(
    source: str, case: str
) -> None:
    told, messages, left_out = ALL[source][case]
    (one,) = made(told)
    assert (one.source, shape(one), dict(one.left_out)) == (source, messages, left_out)
    # By whatever it is known, it is known by it again, and has a time and a title where it has words.
    assert [again.key for again in made(told)] == [one.key]
    assert 0 < len(one.key) <= 100
    assert one.head["created_at"] > "2023"
    assert one.head["title"] or not one.messages[0]["content"]


@pytest.mark.parametrize("case", WRITTEN)
def test_however_a_file_is_written_it_is_read(case: str) -> None:
    file, count = WRITTEN[case]
    found = made(file)
    assert len({one.key for one in found}) == count
    assert all(one.messages[0]["content"] == "?" for one in found)


def test_what_has_no_name_is_known_by_what_is_said_in_it() -> None:
    """The same twice is one, and anything else is another."""
    told = {"mapping": ALL["chatgpt"]["a name that is a number"][0]["mapping"]}
    other = json.loads(json.dumps(told))
    other["mapping"]["a"]["message"]["content"]["parts"] = ["another"]
    first, again, another = made([told, {**told, "title": "Renamed"}, other])
    assert first.key == again.key != another.key


def test_instructions_are_taken_from_wherever_a_version_has_them() -> None:
    profile, told = "I keep bees.", "Be brief."
    hidden = {"is_visually_hidden_from_conversation": True, "is_user_system_message": True}
    context = {
        "user_context_message_data": {"about_user_message": profile, "about_model_message": told}
    }
    wrapped = {
        "content_type": "user_editable_context",
        "user_profile": f"The user provided: ```{profile}```",
        "user_instructions": told,
    }
    question = samples.chatgpt_node("q", "i", "user", "?")

    def instructed(role: str, content: Any, metadata: Any) -> Any:
        node = samples.chatgpt_node("i", None, role, content=content, metadata=metadata)
        return made([samples.chatgpt(node, question, current="q")])[0]

    silent = {"content_type": "text", "parts": [""]}
    for one in (
        instructed("user", wrapped, {**hidden, **context}),
        instructed("system", silent, {**hidden, **context}),
        instructed("user", {**wrapped, "user_profile": profile}, hidden),
    ):
        assert (one.head["instructions"], shape(one)) == (f"{profile}\n\n{told}", [ASKED])
    too_long = instructed("user", {**wrapped, "user_profile": "x" * 9_000}, hidden)
    assert (too_long.head["instructions"], too_long.left_out) == (None, {"SYSTEM": 1})
    (topic,) = made(cherry(cherry_message("q", "user", "?"), prompt="Be wet."))
    assert topic.head["instructions"] == "Be wet."


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"usage": {"prompt_tokens": 5, "completion_tokens": 2}}, (5, 2)),
        ({"usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}}, (5, 2)),
        ({"usage": {"prompt_eval_count": 5, "eval_count": 2}}, (5, 2)),
        ({"info": {"prompt_eval_count": 5, "eval_count": 2, "total_duration": 10**12}}, (5, 2)),
        ({"usage": {"prompt_tokens": -5, "completion_tokens": "2"}}, (None, None)),
        ({"usage": [], "info": None}, (None, None)),
    ],
)
def test_tokens_are_found_under_each_server_s_names(
    usage: dict[str, Any], tokens: tuple[int | None, int | None]
) -> None:
    (one,) = made([webui(webui_pair(**usage), "a")])
    assert (one.messages[1]["prompt_tokens"], one.messages[1]["completion_tokens"]) == tokens


def test_an_archive_is_looked_through_wherever_its_conversations_are() -> None:
    one, other = (
        json.dumps(
            [samples.chatgpt(samples.chatgpt_node("q", None, "user", "?"), current="q", key=key)]
        )
        for key in "ab"
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.mkdir("export")
        archive.writestr("export/conversations-000.json", one)
        archive.writestr("export/CONVERSATIONS-001.JSON", other.encode("utf-16"))
        archive.writestr("export/more.jsonl", "\n".join((one[1:-1], other[1:-1])))
        archive.writestr("__MACOSX/export/._conversations-000.json", b"\0\x05\x16\x07\0\x02")
        archive.writestr("export/empty.json", b"")
        archive.writestr("export/chat.html", one)
    assert [found.key for found in made(file.getvalue())] == ["a", "b", "a", "b"]


_CHINESE = "帮我写一个脚本，每天备份数据库。好的，这是一个可以用的脚本：它会把数据库导出为文件。𠮷"


def told_in(encoding: str, said: str, ahead: int = 0) -> bytes:
    """ChatGPT's of two, of which the second has what is said in both, behind so much of ASCII."""
    export = [
        samples.chatgpt(samples.chatgpt_node("q", None, "user", text), current="q", key=key)
        for key, text in (("a", "x" * ahead + "?"), ("b", said))
    ]
    return json.dumps(export, ensure_ascii=False).encode(encoding)


@pytest.mark.parametrize("ahead", [0, 4090, 65_500, 300_000])
def test_what_was_saved_in_gb18030_is_read(ahead: int) -> None:
    _, found = made(told_in("gb18030", _CHINESE * 3000, ahead))
    assert found.messages[0]["content"] == _CHINESE * 3000


def test_what_is_in_gb18030_and_packed_is_read() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conversations.json", told_in("gbk", _CHINESE[:-1]))
    _, found = made(file.getvalue())
    assert found.messages[0]["content"] == _CHINESE[:-1]
    (first, second) = made(gzip.compress(told_in("utf-8", _CHINESE * 3000)))
    assert (first.key, second.messages[0]["content"]) == ("a", _CHINESE * 3000)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        (
            "big5",
            "請幫我寫一個腳本，用來備份資料庫，每天凌晨三點執行。好的，下面是一個可以使用的腳本。",
        ),
        (
            "euc_jp",
            "こんにちは。毎日実行する方法を教えてください。以下は世界中で一般的に使われる方法です。",
        ),
        (
            "cp932",
            "こんにちは。毎日実行する方法を教えてください。以下は世界中で一般的に使われる方法です。",
        ),
        (
            "cp949",
            "데이터베이스를 매일 백업하는 스크립트를 작성해 주세요. 네, 아래는 사용되는 방법입니다.",
        ),
        ("koi8_r", "Напиши мне скрипт для копирования базы данных каждый день. Хорошо, вот он."),
        ("cp1252", "Écris-moi un script à exécuter après minuit, s’il te plaît."),
        # Too little to be sure.
        ("gbk", "脚本"),
    ],
)
def test_no_other_encoding_is_taken_for_it(encoding: str, said: str) -> None:
    assert why(told_in(encoding, said)) == "FILE_DAMAGED"


def test_what_is_damaged_in_utf8_is_not_taken_for_gb18030() -> None:
    whole = told_in("utf-8", _CHINESE * 10)
    at = whole.index("备".encode())
    assert why(whole[:at] + whole[at + 1 :]) == "FILE_DAMAGED"


def test_an_archive_that_was_cut_off_is_told_so() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conversations.json", told_in("utf-8", _CHINESE))
    whole = file.getvalue()
    assert {why(whole[:end]) for end in (4, 100, len(whole) - 30)} == {"FILE_CUT_OFF"}


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ('[{"mapping": {}'.encode("utf-16"), "FILE_CUT_OFF"),
        ("hello".encode("utf-16"), "FORMAT_UNKNOWN"),
        (json.dumps(samples.CHATGPT).encode("utf-16")[:-7], "FILE_CUT_OFF"),
        (b'{"a": 1}\n{"b": 2}', "FORMAT_UNKNOWN"),
        (b'{"messages": []}\n[', "FILE_CUT_OFF"),
        (b'{"messages": [{"role": "user"}]}', "FORMAT_UNKNOWN"),
        (b'{"messages": [{"role": "user", "content": "?"}], "model": "x"}', "FORMAT_UNKNOWN"),
        (b'{"indexedDB": [{"key": "image", "value": 1}]}', "FORMAT_UNKNOWN"),
        (b'{"indexedDB": 5}', "FORMAT_UNKNOWN"),
    ],
)
def test_what_is_none_of_them_is_told_so(file: bytes, reason: str) -> None:
    assert why(file) == reason


@pytest.mark.parametrize(
    "source", ["chatgpt", "open-webui", "librechat", "cherry-studio", "nextchat"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_wherever_a_file_is_cut_that_is_told_and_what_was_whole_is_taken(
    source: str, packed: bool
) -> None:
    told = getattr(samples, source.upper().replace("-", "_"))
    file = json.dumps(told, ensure_ascii=False).encode()
    keys = [one.key for one in made(file)]
    file = gzip.compress(file, mtime=0) if packed else file
    for cut in range(2, len(file), 7):
        parts: list[str] = []
        with pytest.raises(UnreadableError, match="FILE_CUT_OFF"):
            keep_keys(file[:cut], parts)
        assert parts == keys[: len(parts)]


def keep_keys(file: bytes, keys: list[str]) -> None:
    """Of its conversations, as they come."""
    for document, _ in documents_of(io.BytesIO(file), len(file)):
        keys.extend(one.key for one in conversations_of(document) if isinstance(one, Made))


def test_what_is_empty_or_odd_costs_no_other() -> None:
    good = cherry(cherry_message("q", "user", "?"))
    odd: list[Any] = [None, 7, "x", [], {"id": "e", "messages": []}, {"id": "n", "messages": None}]
    good["indexedDB"]["topics"] += odd
    assert [one.source for one in made(good)] == ["cherry-studio"]
    assert [reason for _, reason in skipped(good)] == [
        *["NOT_A_CONVERSATION"] * 4,
        "EMPTY",
        "NOT_A_CONVERSATION",
    ]
