"""Documents that blow up, go round in circles, break off, or hold more than a document."""

import zlib
from collections.abc import Iterator

from .made import CANARY, SCRIPT, ZEROS, Hostile, zipped


def _pdf(*objects: bytes) -> bytes:
    """A document of these objects, the first of which is its catalog; without a table of them, which is found."""
    body = b"".join(b"%d 0 obj\n%b\nendobj\n" % place for place in enumerate(objects, 1))
    return (
        b"%PDF-1.7\n" + body + b"trailer << /Root 1 0 R /Size %d >>\n%%%%EOF\n" % (len(objects) + 1)
    )


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def page_of(
    content: bytes, resources: bytes = b"", catalog: bytes = _CATALOG, *more: bytes
) -> bytes:
    """A document of one page, on which this is drawn with the font F; `more` are objects from the sixth on."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        b" /Resources << /Font << /F 5 0 R >> %b >> >>" % resources
    )
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return _pdf(catalog, pages, page, content, _FONT, *more)


def pdfs() -> Iterator[Hostile]:
    text = stream(b"BT /F 12 Tf 72 700 Td (Hello) Tj ET")
    whole = page_of(text)
    yield Hostile("version.pdf", b"%PDF-1.7\n")
    yield Hostile("cut-off.pdf", whole[:60])
    yield Hostile("html-before.pdf", b"<html>" + SCRIPT + whole, ("code",))
    yield Hostile("zip-behind.pdf", whole + zipped("x", CANARY), ("pdf",))
    script = (
        b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>"
    )
    yield Hostile("script.pdf", page_of(text, b"", script), ("pdf",))
    flate = b"/Filter /FlateDecode"
    yield Hostile("bomb.pdf", page_of(stream(zlib.compress(ZEROS * 8, 1), flate)), ("pdf",))
    twice = zlib.compress(zlib.compress(ZEROS * 8, 1), 9)
    nested = b"/Filter [/FlateDecode /FlateDecode]"
    yield Hostile("nested-bomb.pdf", page_of(stream(twice, nested)), ("pdf",))
    shown = b"BT /F 12 Tf 72 700 Td (%b) Tj ET\n" % (b"word " * 200)
    yield Hostile(
        "endless-text.pdf", page_of(stream(zlib.compress(shown * 20_000, 1), flate)), ("pdf",)
    )
    circle = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"
    yield Hostile("pages-in-a-circle.pdf", _pdf(_CATALOG, circle), ("pdf",))
    many = b"<< /Type /Pages /Kids [3 0 R] /Count 2147483647 >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1 1] >>"
    yield Hostile("a-billion-pages.pdf", _pdf(_CATALOG, many, page), ("pdf",))
    form = stream(
        b"/X Do " * 100, b"/Type /XObject /Subtype /Form /Resources << /XObject << /X 6 0 R >> >>"
    )
    drawn = page_of(stream(b"/X Do"), b"/XObject << /X 6 0 R >>", _CATALOG, form)
    yield Hostile("form-in-itself.pdf", drawn)
    yield Hostile("deep.pdf", _pdf(_CATALOG, b"[" * 200_000 + b"]" * 200_000))
    locked = whole.replace(b"trailer <<", _LOCK)
    yield Hostile("locked.pdf", locked)


# By a password that is not the empty one: the digests fit none that could be tried.
_LOCK = (
    b"trailer << /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O (%b) /U (%b) >>"
    b" /ID [(0123456789abcdef) (0123456789abcdef)]" % (b"o" * 32, b"u" * 32)
)
