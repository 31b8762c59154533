"""Control characters, which a terminal would obey: of a text that is to be read each is drawn as a sign.

Models and users can put them anywhere, and whoever has a file or an answer printed on a terminal would have its colours, its
title or its keys changed by them. Lines and tabs stay. What turns the direction of writing stays too: texts in Arabic
and Hebrew need it, and it ends with its line.
"""

import re
from typing import Final

_LINES_AND_TABS: Final = b"\t\n\r"
_CODES: Final = bytes(code for code in (*range(0x20), 0x7F) if code not in _LINES_AND_TABS)
_SECOND_SET: Final = re.compile(rb"\xc2[\x80-\x9f]")
# By itself it is the end of a line to Markdown and to spreadsheets, and a terminal writes over what it has written.
_RETURN: Final = re.compile(rb"\r(?!\n)")
# Unicode has pictures for the first set, in its order, and none for the second.
_PICTURES: Final = {
    **{code: chr(0x2400 + code) for code in _CODES},
    0x7F: "\u2421",
    **dict.fromkeys(range(0x80, 0xA0), "\ufffd"),
}
_DRAWN: Final = {code: picture.encode() for code, picture in _PICTURES.items()}
_CODE: Final = re.compile(b"[" + re.escape(_CODES) + b"]")
_ANY: Final = re.compile(f"[{re.escape(''.join(map(chr, _PICTURES)))}]")


def drawn(text: str) -> str:
    """`text`, each control character in it a sign; it is as long as it was."""
    return text.translate(_PICTURES) if _ANY.search(text) else text


def drawn_utf8(text: bytes) -> bytes:
    """A text in UTF-8 likewise, and each carriage return that stands alone a new line."""
    # Looked for in ways that cost a megabyte little more than to copy it.
    if len(text.translate(None, _CODES)) != len(text):
        text = _CODE.sub(lambda code: _DRAWN[code[0][0]], text)
    if b"\xc2" in text:
        text = _SECOND_SET.sub("\ufffd".encode(), text)
    if b"\r" in text:
        text = _RETURN.sub(b"\n", text)
    return text


def escaped_in_json(document: bytes) -> bytes:
    """A document of JSON in which those of the second set are written as escapes, as all others are by themselves."""
    if b"\xc2" not in document:
        return document
    return _SECOND_SET.sub(lambda found: b"\\u00%02x" % found[0][1], document)
