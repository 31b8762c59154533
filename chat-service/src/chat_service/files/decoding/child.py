"""Reads one file, in a process of its own:
``python -I -m chat_service.files.decoding.child PARENT KEPT TOLD [older]``.

The file is its standard input, and on standard output it says what that came to. ``older``: it is a text
that is not in UTF-8.
"""

import codecs
import errno
import os
import sys
import traceback
from collections.abc import Callable
from typing import BinaryIO, Final, NoReturn

from chat_service.files.decoding.confine import Bounds, confine
from chat_service.files.decoding.report import Failed, Report, Unreadable
from chat_service.files.domain.errors import FileKindRefused
from chat_service.files.domain.kinds import HEAD_BYTES, PDF, recognise

#: Of any reading; a photograph of 64 million pixels takes most of it.
BOUNDS: Final = Bounds(memory_bytes=640 * 1024**2, cpu_seconds=20, output_bytes=64 * 1024**2)
# Of what is too large it is EFBIG.
_OF_DISKS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})

Read = Callable[[BinaryIO], Report]


def main(parent: str, kept: str, told: str, *how: str) -> None:
    """`kept` and `told` are the numbers of the open files for what is to be kept, and for the text."""
    try:
        # They are open, and stay so.
        source = os.fdopen(0, "rb", closefd=False)
        results = [os.fdopen(int(one), "wb", closefd=False) for one in (kept, told)]
        read = _reader(source, *results, is_older=how == ("older",))
        confine(BOUNDS, int(parent))
    except FileKindRefused:
        _end(Report(Failed.NO_SUCH_KIND))
    except Exception:  # noqa: BLE001 - whatever it is, it is none of the file's making
        traceback.print_exc()
        os._exit(1)
    try:
        source.seek(0)
        report = read(source)
        for result in results:
            result.flush()
    except Unreadable as unreadable:
        report = Report(unreadable.why)
    except OSError as error:
        report = Report(Failed.DISK if error.errno in _OF_DISKS else Failed.TOO_COMPLEX)
    except MemoryError:
        report = Report(Failed.TOO_COMPLEX)
    except Exception:  # noqa: BLE001 - a library raises what it likes over a file that it cannot read
        report = Report(Failed.DAMAGED)
    _end(report)


def _end(report: Report) -> NoReturn:
    os.write(1, report.to_line())
    # Nothing has to be put in order, and a library may be in none.
    os._exit(0)


def _reader(source: BinaryIO, kept: BinaryIO, told: BinaryIO, *, is_older: bool) -> Read:
    """What reads a file that begins so, with all that it needs loaded. Raises FileKindRefused."""
    kind = recognise(source.read(HEAD_BYTES))
    if kind.is_image:
        from chat_service.files.decoding import images

        images.prepare()
        return lambda file: images.decode_image(kind, file, kept)
    if kind is PDF:
        from chat_service.files.decoding.pdf import decode_pdf

        _load_encodings("utf-8", "utf-16-le")
        return lambda file: decode_pdf(file, told)
    from chat_service.files.decoding import texts

    if not is_older:
        _load_encodings("utf-8", "utf-16", "utf-32")
        return lambda file: texts.decode_text(file, told)
    import charset_normalizer  # noqa: F401 - what it needs is loaded with it

    _load_encodings(*texts.OLDER)
    return lambda file: texts.decode_older_text(file, told)


def _load_encodings(*names: str) -> None:
    for name in names:
        codecs.lookup(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
