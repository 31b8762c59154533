"""A hostile file, and what several of them are made of."""

import io
import zipfile
from dataclasses import dataclass

#: In none of what is kept of a picture.
CANARY = b"CANARY-4711"
SCRIPT = b"<script>alert('" + CANARY + b"')</script>"
ZEROS = bytes(32 * 1024**2)


@dataclass(frozen=True, slots=True)
class Hostile:
    """`expected` is None for what has to be refused, else the kinds that it may be taken for, harmless then."""

    name: str
    content: bytes
    expected: tuple[str, ...] | None = None


def zipped(name: str, content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(name, content)
    return made.getvalue()
