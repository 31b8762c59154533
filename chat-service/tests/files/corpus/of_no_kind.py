"""Programs, archives and whatever else is of no kind that is taken, under names of others."""

import bz2
import gzip
import lzma
from collections.abc import Iterator

from .made import CANARY, SCRIPT, ZEROS, Hostile, zipped


def of_no_kind() -> Iterator[Hostile]:
    heads = {
        "program.elf": b"\x7fELF\x02\x01\x01\0",
        "program.exe": b"MZ\x90\0\x03\0\0\0\x04",
        "program.macho": b"\xcf\xfa\xed\xfe\x07\0\0\x01",
        "Program.class": b"\xca\xfe\xba\xbe\0\0\0\x41",
        "program.wasm": b"\0asm\x01\0\0\0",
        "picture.bmp": b"BM\x36\0\x0c\0\0\0\0\0",
        "picture.tiff": b"II*\0\x08\0\0\0",
        "picture.ico": b"\0\0\x01\0\x01\0",
        "picture.avif": b"\0\0\0\x1cftypavif\0\0\0\0",
        "picture.psd": b"8BPS\0\x01\0\0",
        "film.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0",
        "sound.mp3": b"ID3\x04\0\0\0\0\0\x23",
        "sound.wav": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0",
        "rows.sqlite": b"SQLite format 3\0\x10\0\x01\x01",
        "object.pickle": b"\x80\x04\x95\x0f\0\0\0\0\0\0\0",
        "archive.rar": b"Rar!\x1a\x07\x01\0",
        "archive.7z": b"7z\xbc\xaf\x27\x1c\0\x04",
        "archive.tar": b"a.txt\0".ljust(257, b"\0") + b"ustar\0",
        "nothing.png": bytes(10_000),
    }
    for name, head in heads.items():
        yield Hostile(name, head + SCRIPT)


def archives() -> Iterator[Hostile]:
    bomb = zipped("zeros.bin", ZEROS)
    yield Hostile("bomb.zip", bomb)
    yield Hostile("nested.zip", zipped("bomb.zip", bomb * 4))
    yield Hostile("letter.docx", zipped("word/document.xml", b"<w:t>" + CANARY))
    yield Hostile("traversal.zip", zipped("../../etc/cron.d/x", CANARY))
    yield Hostile("picture.png", bomb)
    yield Hostile("text.txt", gzip.compress(ZEROS, 1))
    yield Hostile("drawing.svgz", gzip.compress(b"<svg>" + SCRIPT))
    yield Hostile("zeros.bz2", bz2.compress(ZEROS[: 1024**2]))
    yield Hostile("zeros.xz", lzma.compress(ZEROS[: 1024**2]))
