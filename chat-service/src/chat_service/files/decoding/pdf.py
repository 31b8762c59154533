"""The text of a PDF, page by page. The file itself stays as it is."""

from time import process_time
from typing import BinaryIO, Final

import pypdfium2
import pypdfium2.raw

from chat_service.files.decoding.report import Failed, Report, Unreadable
from chat_service.files.decoding.texts import cut

#: Of the text that is taken out, in UTF-8: more is more than any model reads.
MOST_BYTES: Final = 4 * 1024 * 1024
#: Of processor time: what was not read by then is left out.
MOST_SECONDS: Final = 12.0

# U+0000, which PostgreSQL refuses, and what stands for a hyphen at the end of a line.
_NOT_TEXT: Final = {0: None, 0xFFFE: "-", 0xFFFF: None}


def decode_pdf(source: BinaryIO, result: BinaryIO) -> Report:
    """Writes the text, each page under its number; of one that is longer than is read, its beginning.

    Raises Unreadable.
    """
    try:
        document = pypdfium2.PdfDocument(source)
    except pypdfium2.PdfiumError as error:
        is_locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise Unreadable(Failed.LOCKED if is_locked else Failed.DAMAGED) from error
    pages = len(document)
    characters, read, room = 0, 0, MOST_BYTES
    for number in range(pages):
        if room <= 0 or process_time() > MOST_SECONDS:
            break
        text = _text_of(document, number)
        read += 1
        if text:
            characters += len(text)
            page = f"[Page {number + 1}]\n{text}\n\n".encode(errors="replace")
            result.write(cut(page, room))
            room -= len(page)
    facts = {"pages": pages, "characters": characters}
    return Report(told=True, facts=facts | ({"cut": 1} if read < pages or room < 0 else {}))


def _text_of(document: pypdfium2.PdfDocument, number: int) -> str:
    """What stands on a page; of one that cannot be read nothing."""
    try:
        page = document[number]
        try:
            text: str = page.get_textpage().get_text_bounded()
        finally:
            page.close()
    except (pypdfium2.PdfiumError, ValueError, RecursionError):
        return ""
    lines = text.translate(_NOT_TEXT).replace("\r\n", "\n").replace("\r", "\n")
    return lines.strip()
