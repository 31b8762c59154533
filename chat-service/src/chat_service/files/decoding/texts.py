"""Texts: read whole, in the encoding that they are in."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from chat_service.files.decoding.report import Failed, Report, Unreadable
from chat_service.files.domain.kinds import HEAD_BYTES, encoding_by_mark, has_controls

#: Of a text in another encoding than UTF-8, in that: what is kept beside it for models.
MOST_BYTES: Final = 4 * 1024 * 1024
#: The older encodings that a text may be in.
OLDER: Final = ("gb18030", "big5", "cp932", "cp949", "cp1251", "cp1252")

_CHUNK: Final = 256 * 1024
_SAMPLE: Final = 64 * 1024
_UTF8: Final = "utf-8"
_ASCII: Final = bytes(range(0x80))
_RUN: Final = re.compile(rb"[\x80-\xff]{2,}")
_PAIR: Final = re.compile(rb"[\x80-\xff][\x40-\xff]")
_LETTER: Final = re.compile(rb"[A-Za-z\x80-\xff]")
# A line in cp1252 beyond doubt: each letter with an accent stands behind a letter, begins a word of small ones, or
# has behind it what is no second byte of any character; so do signs, and quotation marks where they open and close.
# First bytes of kana and of the commonest kanji are none of these.
_WESTERN: Final = re.compile(
    rb"""(?x) (?:
        [\x00-\x7f]
        | (?<=[A-Za-z]) [\xc0-\xd6\xd8-\xf6\xf8-\xff] (?![\x80-\xff])
        | (?<![A-Za-z\x80-\x90\x95-\xff]) [\xc0-\xd6\xd8-\xf6\xf8-\xff] (?= [a-z] | [\x00-\x2f\x3a-\x3f] | \Z )
        | (?<=[A-Za-z]) \x92 (?= [A-Za-z\xc0-\xff] )
        | (?<![A-Za-z\x80-\xff]) [\x91\x93\xab\xbf\xa1] (?= [A-Za-z\xc0-\xff\x20\xa0] )
        | [\x80\x85\x92\x94\x96\x97\xa0-\xbf] (?= [\x00-\x2f\x3a-\x3f] | \Z )
    )+""",
)
_FEW: Final = 0.3
_LAST_OF_HANGUL: Final = 0xC8
_MOST_NOT_HANGUL: Final = 0.1
_CONTROLS: Final = re.compile("[\x00-\x07\x0b\x0e-\x19\x1c-\x1f\x7f]")


def decode_text(source: BinaryIO, result: BinaryIO) -> Report:
    """Reads a text in UTF-8, or in what its byte order mark says. Raises Unreadable, NOT_UTF8 for neither."""
    marked = encoding_by_mark(source.read(HEAD_BYTES))
    try:
        return _read(source, result, marked or _UTF8)
    except UnicodeDecodeError as error:
        why = Failed.NOT_UTF8 if marked is None else Failed.NO_SUCH_KIND
        raise Unreadable(why) from error


def decode_older_text(source: BinaryIO, result: BinaryIO) -> Report:
    """Reads a text in the older encoding that it seems to be in. Raises Unreadable for one that is in none."""
    from charset_normalizer import from_bytes

    sample = line = b""
    for chunk in _chunks(source):
        # ASCII is the same in all of them.
        if not chunk.isascii():
            behind = chunk.lstrip(_ASCII)
            sample = behind[:_SAMPLE]
            start = chunk.rfind(b"\n", 0, len(chunk) - len(behind)) + 1
            line = chunk[start : start + _SAMPLE].splitlines()[0]
            break
    if len(sample) == _SAMPLE:
        # Not in the middle of a character.
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    if _is_western(line):
        encoding = "cp1252"
    elif found := from_bytes(sample, cp_isolation=_candidates(sample)).best():
        encoding = found.encoding
    else:
        raise Unreadable(Failed.NO_SUCH_KIND)
    try:
        return _read(source, result, encoding)
    except UnicodeDecodeError as error:
        raise Unreadable(Failed.NO_SUCH_KIND) from error


def _is_western(line: bytes) -> bool:
    """Whether the line of the first byte beyond ASCII is one in cp1252 beyond doubt."""
    high = len(line.translate(None, _ASCII))
    return 2 * high < len(_LETTER.findall(line)) and _WESTERN.fullmatch(line) is not None


def _candidates(sample: bytes) -> list[str]:
    """Which of OLDER it may be, by what begins with its first byte beyond ASCII.

    Of a short text what tells them apart is little.
    """
    high = len(sample.translate(None, _ASCII))
    in_runs = sum(map(len, _RUN.findall(sample)))
    if in_runs < _FEW * high and high < _FEW * len(_LETTER.findall(sample)):
        # Letters with accents, which stand among others.
        return ["cp1252"]
    # Of a pair of bytes the first one says where in the table it is, and Korean is in a part of it.
    leads = b"".join(_PAIR.findall(sample))[::2]
    is_korean = sum(lead > _LAST_OF_HANGUL for lead in leads) < _MOST_NOT_HANGUL * len(leads)
    return [one for one in OLDER if one != "cp949" or is_korean]


def _read(source: BinaryIO, result: BinaryIO, encoding: str) -> Report:
    """Raises Unreadable, UnicodeDecodeError."""
    characters, room = 0, MOST_BYTES
    for text in _decoded(source, encoding):
        characters += len(text)
        if encoding != _UTF8 and room > 0:
            told = text.encode()
            result.write(cut(told, room))
            room -= len(told)
    facts = {"characters": characters} | ({"cut": 1} if room < 0 else {})
    return Report(told=encoding != _UTF8, facts=facts)


def _decoded(source: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    # In UTF-16 and UTF-32 a zero is nothing strange; in all others bytes can be judged, which is quicker.
    is_wide = encoding not in (_UTF8, *OLDER)
    first = True
    for chunk in _chunks(source):
        text = decoder.decode(chunk)
        if _CONTROLS.search(text) if is_wide else has_controls(chunk):
            raise Unreadable(Failed.NO_SUCH_KIND)
        yield text.removeprefix("\ufeff") if first else text
        first = False
    yield decoder.decode(b"", final=True)


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    source.seek(0)
    while chunk := source.read(_CHUNK):
        yield chunk


def cut(told: bytes, room: int) -> bytes:
    """As much of a text in UTF-8 as there is room for, and no half of a character."""
    return told if len(told) <= room else told[:room].decode(errors="ignore").encode()
