"""A file is told by its beginning, whatever it is called."""

import pytest

from chat_service.files.domain.errors import FileKindRefused
from chat_service.files.domain.kinds import HEAD_BYTES, KINDS, recognise

_TEXTS = {
    "text": "Dear Ada,\nthank you for the letter, which came today.\nYours, Charles\n",
    "markdown": "# A plan\n\nWhat is to be done:\n\n- one\n- two\n",
    "csv": "name,age\nada,36\ncharles,45\n",
    "json": '{"name": "ada", "age": 36}\n',
    "code": "import os\n\n\ndef main():\n    print(os.name)\n    return 1\n",
}
_ALSO = [
    ("markdown", "```python\nimport os\n```\n"),
    ("markdown", "| a | b |\n|---|---|\n| 1 | 2 |\n"),
    ("csv", "name;age\nada;36\n"),
    ("csv", "name\tage\nada\t36\n"),
    ("csv", 'name,note\nada,"one, and two"\ncharles,"three, and four"\n'),
    ("json", "[1, 2]\n"),
    ("json", '{"a": 1}\n{"a": 2}\n'),
    ("json", '[{"a": 1}' + ', {"a": 1}' * 2_000),
    ("code", "#!/bin/sh\necho hello\n"),
    ("code", "<html><body>hello</body></html>"),
    ("code", "<?xml version='1.0'?><a/>"),
    ("code", "SELECT name FROM users\nWHERE age > 3;\n"),
    ("code", "const a = 1;\nfunction b() {\n  return a;\n}\n"),
    ("code", "[tool.x]\nname = 'a'\nage = 3\n"),
    ("text", "Hello, world\nHow are you, Ada\n"),
    ("text", "[draft] a letter\n"),
    ("text", '{"a": 1'),
    ("text", ""),
    ("text", "天气很好，我们去散步吧。\n"),
]


@pytest.mark.parametrize(("kind", "text"), [*_TEXTS.items(), *_ALSO])
def test_a_text_is_what_it_looks_like(kind: str, text: str) -> None:
    assert recognise(text.encode()[:HEAD_BYTES]).name == kind


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_part_of_it(encoding: str) -> None:
    assert recognise(_TEXTS["json"].encode(encoding)).name == "json"


def test_a_character_that_is_cut_at_the_end_of_the_beginning_does_no_harm() -> None:
    assert recognise(("字" * HEAD_BYTES).encode()[:HEAD_BYTES]).name == "text"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"%PDF-1.7", "pdf"),
    ],
)
def test_a_picture_or_document_is_told_by_its_signature(head: bytes, kind: str) -> None:
    assert recognise(head).name == kind


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x1f\x8b\x08", b"\x7fELF", b"a\0b", b" %PDF-\0"])
def test_all_else_is_refused(head: bytes) -> None:
    with pytest.raises(FileKindRefused):
        recognise(head)


def test_nothing_is_served_as_what_a_browser_runs() -> None:
    types = {kind.media_type for kind in KINDS.values()}
    assert not {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"} & types
    assert not any("script" in one for one in types)
